// SPDX-License-Identifier: Apache-2.0
// Uniform around 0, of variance 1 / fan_in.
#include "engine/training/initializers/scaled.h"

namespace gradus::initializers {
namespace {

using Case = Fixed<1, v1::VarianceScaling::FAN_IN, v1::VarianceScaling::UNIFORM>;

std::vector<v1::Initializer> Samples() {
  v1::Initializer spec;
  spec.mutable_lecun_uniform();
  return {spec};
}

}  // namespace

extern const InitializerKind lecun_uniform_kind;
constinit const InitializerKind lecun_uniform_kind = {
    .field = v1::Initializer::kLecunUniform,
    .documentation = "Uniform around 0, of variance 1 / fan_in.",
    .source = "LeCun, Bottou, Orr, Mueller 1998",
    .check = Case::Check,
    .draw = Case::Draw,
    .reference = Case::Reference,
    .samples = Samples,
};

}  // namespace gradus::initializers
