// SPDX-License-Identifier: Apache-2.0
// l2 * sum x^2.
#include <cmath>

#include "engine/base/ranges.h"
#include "engine/training/regularizers/kind.h"

namespace gradus::regularizers {
namespace {

absl::Status CheckSettings(v1::Regularizer& regularizer) {
  v1::L2& spec = *regularizer.mutable_l2();
  if (!spec.has_l2()) spec.set_l2(0.01);
  return base::CheckNotNegative("l2", spec.l2());
}

Coefficients Lower(const v1::Regularizer& spec) {
  return {.l2 = static_cast<float>(spec.l2().l2())};
}

double Reference(const v1::Regularizer& spec, std::span<const double> values) {
  double sum = 0;
  for (const double x : values) sum += x * x;
  return spec.l2().l2() * sum;
}

std::vector<v1::Regularizer> Samples() {
  std::vector<v1::Regularizer> samples(2);
  samples[0].mutable_l2();
  samples[1].mutable_l2()->set_l2(0.25);
  return samples;
}

}  // namespace

extern const RegularizerKind l2_kind;
constinit const RegularizerKind l2_kind = {
    .field = v1::Regularizer::kL2,
    .documentation = "l2 * sum x^2.",
    .source = "Keras, L2",
    .check = CheckSettings,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::regularizers
