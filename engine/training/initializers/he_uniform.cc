// SPDX-License-Identifier: Apache-2.0
// Uniform around 0, of variance 2 / fan_in.
#include "engine/training/initializers/scaled.h"

namespace gradus::initializers {
namespace {

using Case = Fixed<2, v1::VarianceScaling::FAN_IN, v1::VarianceScaling::UNIFORM>;

std::vector<v1::Initializer> Samples() {
  v1::Initializer spec;
  spec.mutable_he_uniform();
  return {spec};
}

}  // namespace

extern const InitializerKind he_uniform_kind;
constinit const InitializerKind he_uniform_kind = {
    .field = v1::Initializer::kHeUniform,
    .documentation = "Uniform around 0, of variance 2 / fan_in.",
    .source = "He, Zhang, Ren, Sun 2015",
    .check = Case::Check,
    .draw = Case::Draw,
    .reference = Case::Reference,
    .samples = Samples,
};

}  // namespace gradus::initializers
