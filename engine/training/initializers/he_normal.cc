// SPDX-License-Identifier: Apache-2.0
// Normal, cut at two standard deviations, of variance 2 / fan_in.
#include "engine/training/initializers/scaled.h"

namespace gradus::initializers {
namespace {

using Case = Fixed<2, v1::VarianceScaling::FAN_IN, v1::VarianceScaling::TRUNCATED_NORMAL>;

std::vector<v1::Initializer> Samples() {
  v1::Initializer spec;
  spec.mutable_he_normal();
  return {spec};
}

}  // namespace

extern const InitializerKind he_normal_kind;
constinit const InitializerKind he_normal_kind = {
    .field = v1::Initializer::kHeNormal,
    .documentation = "Normal, cut at two standard deviations, of variance 2 / fan_in.",
    .source = "He, Zhang, Ren, Sun 2015",
    .check = Case::Check,
    .draw = Case::Draw,
    .reference = Case::Reference,
    .samples = Samples,
};

}  // namespace gradus::initializers
