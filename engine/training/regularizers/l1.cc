// SPDX-License-Identifier: Apache-2.0
// l1 * sum |x|.
#include <cmath>

#include "engine/base/ranges.h"
#include "engine/training/regularizers/kind.h"

namespace gradus::regularizers {
namespace {

absl::Status CheckSettings(v1::Regularizer& regularizer) {
  v1::L1& spec = *regularizer.mutable_l1();
  if (!spec.has_l1()) spec.set_l1(0.01);
  return base::CheckNotNegative("l1", spec.l1());
}

Coefficients Lower(const v1::Regularizer& spec) {
  return {.l1 = static_cast<float>(spec.l1().l1())};
}

double Reference(const v1::Regularizer& spec, std::span<const double> values) {
  double sum = 0;
  for (const double x : values) sum += std::abs(x);
  return spec.l1().l1() * sum;
}

std::vector<v1::Regularizer> Samples() {
  std::vector<v1::Regularizer> samples(2);
  samples[0].mutable_l1();
  samples[1].mutable_l1()->set_l1(0.25);
  return samples;
}

}  // namespace

extern const RegularizerKind l1_kind;
constinit const RegularizerKind l1_kind = {
    .field = v1::Regularizer::kL1,
    .documentation = "l1 * sum |x|.",
    .source = "Keras, L1",
    .check = CheckSettings,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::regularizers
