// SPDX-License-Identifier: Apache-2.0
// Each value between two equally likely.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/training/initializers/kind.h"

namespace gradus::initializers {
namespace {

absl::Status CheckSettings(v1::Initializer& initializer) {
  v1::RandomUniform& spec = *initializer.mutable_random_uniform();
  if (!spec.has_minval()) spec.set_minval(-0.05);
  if (!spec.has_maxval()) spec.set_maxval(0.05);
  if (!std::isfinite(static_cast<float>(spec.minval())))
    return base::InvalidArgument("minval", absl::StrCat(spec.minval()), "a finite number");
  if (!std::isfinite(static_cast<float>(spec.maxval())))
    return base::InvalidArgument("maxval", absl::StrCat(spec.maxval()), "a finite number");
  if (!(static_cast<float>(spec.minval()) < static_cast<float>(spec.maxval())))
    return base::InvalidArgument("maxval", absl::StrCat(spec.maxval()),
                                 absl::StrCat("a number above minval, ", spec.minval()));
  return absl::OkStatus();
}

void Draw(const v1::Initializer& initializer, const Drawn&, const base::RandomKey& key,
          std::span<float> dst) {
  const v1::RandomUniform& spec = initializer.random_uniform();
  base::FillUniform(key, 0, static_cast<float>(spec.minval()), static_cast<float>(spec.maxval()),
                    dst);
}

Moments Reference(const v1::Initializer& initializer, const Drawn&) {
  const v1::RandomUniform& spec = initializer.random_uniform();
  const double width = spec.maxval() - spec.minval();
  return {.mean = (spec.minval() + spec.maxval()) / 2,
          .variance = width * width / 12,
          .low = spec.minval() - 1e-6 * width,
          .high = spec.maxval() + 1e-6 * width};
}

std::vector<v1::Initializer> Samples() {
  v1::Initializer plain;
  plain.mutable_random_uniform();
  v1::Initializer set;
  set.mutable_random_uniform()->set_minval(1);
  set.mutable_random_uniform()->set_maxval(4);
  return {plain, set};
}

}  // namespace

extern const InitializerKind random_uniform_kind;
constinit const InitializerKind random_uniform_kind = {
    .field = v1::Initializer::kRandomUniform,
    .documentation = "Each value of [minval, maxval) equally likely.",
    .source = "Keras, RandomUniform",
    .check = CheckSettings,
    .draw = Draw,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::initializers
