// SPDX-License-Identifier: Apache-2.0
// All 0.
#include <algorithm>

#include "engine/training/initializers/kind.h"

namespace gradus::initializers {
namespace {

absl::Status CheckSettings(v1::Initializer&) { return absl::OkStatus(); }

void Draw(const v1::Initializer&, const Drawn&, const base::RandomKey&, std::span<float> dst) {
  std::fill(dst.begin(), dst.end(), 0.0F);
}

Moments Reference(const v1::Initializer&, const Drawn&) {
  return {.mean = 0, .variance = 0, .low = 0, .high = 0};
}

std::vector<v1::Initializer> Samples() {
  v1::Initializer spec;
  spec.mutable_zeros();
  return {spec};
}

}  // namespace

extern const InitializerKind zeros_kind;
constinit const InitializerKind zeros_kind = {
    .field = v1::Initializer::kZeros,
    .documentation = "All 0.",
    .source = "Keras, Zeros",
    .check = CheckSettings,
    .draw = Draw,
    .reference = Reference,
    .samples = Samples,
    .constant = true,
};

}  // namespace gradus::initializers
