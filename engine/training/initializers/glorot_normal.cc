// SPDX-License-Identifier: Apache-2.0
// Normal, cut at two standard deviations, of variance 2 / (fan_in + fan_out).
#include "engine/training/initializers/scaled.h"

namespace gradus::initializers {
namespace {

using Case = Fixed<1, v1::VarianceScaling::FAN_AVG, v1::VarianceScaling::TRUNCATED_NORMAL>;

std::vector<v1::Initializer> Samples() {
  v1::Initializer spec;
  spec.mutable_glorot_normal();
  return {spec};
}

}  // namespace

extern const InitializerKind glorot_normal_kind;
constinit const InitializerKind glorot_normal_kind = {
    .field = v1::Initializer::kGlorotNormal,
    .documentation = "Normal, cut at two standard deviations, of variance 2 / (fan_in + fan_out).",
    .source = "Glorot and Bengio 2010",
    .check = Case::Check,
    .draw = Case::Draw,
    .reference = Case::Reference,
    .samples = Samples,
};

}  // namespace gradus::initializers
