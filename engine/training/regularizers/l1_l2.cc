// SPDX-License-Identifier: Apache-2.0
// l1 * sum |x| + l2 * sum x^2.
#include <cmath>

#include "engine/base/ranges.h"
#include "engine/base/status.h"
#include "engine/training/regularizers/kind.h"

namespace gradus::regularizers {
namespace {

absl::Status CheckSettings(v1::Regularizer& regularizer) {
  v1::L1L2& spec = *regularizer.mutable_l1_l2();
  // Keras's word alone has both.
  const double fallback = spec.has_l1() || spec.has_l2() ? 0 : 0.01;
  if (!spec.has_l1()) spec.set_l1(fallback);
  if (!spec.has_l2()) spec.set_l2(fallback);
  RETURN_IF_ERROR(base::CheckNotNegative("l1", spec.l1()));
  return base::CheckNotNegative("l2", spec.l2());
}

Coefficients Lower(const v1::Regularizer& spec) {
  return {.l1 = static_cast<float>(spec.l1_l2().l1()), .l2 = static_cast<float>(spec.l1_l2().l2())};
}

double Reference(const v1::Regularizer& spec, std::span<const double> values) {
  double sum = 0;
  for (const double x : values) sum += spec.l1_l2().l1() * std::abs(x) + spec.l1_l2().l2() * x * x;
  return sum;
}

std::vector<v1::Regularizer> Samples() {
  std::vector<v1::Regularizer> samples(2);
  samples[0].mutable_l1_l2();
  samples[1].mutable_l1_l2()->set_l1(0.125);
  samples[1].mutable_l1_l2()->set_l2(0.5);
  return samples;
}

}  // namespace

extern const RegularizerKind l1_l2_kind;
constinit const RegularizerKind l1_l2_kind = {
    .field = v1::Regularizer::kL1L2,
    .documentation = "l1 * sum |x| + l2 * sum x^2.",
    .source = "Zou and Hastie 2005; Keras, L1L2",
    .check = CheckSettings,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::regularizers
