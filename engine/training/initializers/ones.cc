// SPDX-License-Identifier: Apache-2.0
// All 1.
#include <algorithm>

#include "engine/training/initializers/kind.h"

namespace gradus::initializers {
namespace {

absl::Status CheckSettings(v1::Initializer&) { return absl::OkStatus(); }

void Draw(const v1::Initializer&, const Drawn&, const base::RandomKey&, std::span<float> dst) {
  std::fill(dst.begin(), dst.end(), 1.0F);
}

Moments Reference(const v1::Initializer&, const Drawn&) {
  return {.mean = 1, .variance = 0, .low = 1, .high = 1};
}

std::vector<v1::Initializer> Samples() {
  v1::Initializer spec;
  spec.mutable_ones();
  return {spec};
}

}  // namespace

extern const InitializerKind ones_kind;
constinit const InitializerKind ones_kind = {
    .field = v1::Initializer::kOnes,
    .documentation = "All 1.",
    .source = "Keras, Ones",
    .check = CheckSettings,
    .draw = Draw,
    .reference = Reference,
    .samples = Samples,
    .constant = true,
};

}  // namespace gradus::initializers
