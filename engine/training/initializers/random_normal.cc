// SPDX-License-Identifier: Apache-2.0
// A normal distribution.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/training/initializers/kind.h"

namespace gradus::initializers {
namespace {

absl::Status CheckSettings(v1::Initializer& initializer) {
  v1::RandomNormal& spec = *initializer.mutable_random_normal();
  if (!spec.has_mean()) spec.set_mean(0);
  if (!spec.has_stddev()) spec.set_stddev(0.05);
  if (!std::isfinite(static_cast<float>(spec.mean())))
    return base::InvalidArgument("mean", absl::StrCat(spec.mean()), "a finite number");
  const auto stddev = static_cast<float>(spec.stddev());
  if (!(std::isfinite(stddev) && stddev > 0))
    return base::InvalidArgument("stddev", absl::StrCat(spec.stddev()), "a finite number above 0");
  return absl::OkStatus();
}

void Draw(const v1::Initializer& initializer, const Drawn&, const base::RandomKey& key,
          std::span<float> dst) {
  const v1::RandomNormal& spec = initializer.random_normal();
  base::FillNormal(key, 0, static_cast<float>(spec.mean()), static_cast<float>(spec.stddev()), dst);
}

Moments Reference(const v1::Initializer& initializer, const Drawn&) {
  const v1::RandomNormal& spec = initializer.random_normal();
  // Numbers out of 24 bits lie within 6 standard deviations.
  const double reach = 6 * spec.stddev();
  return {.mean = spec.mean(),
          .variance = spec.stddev() * spec.stddev(),
          .low = spec.mean() - reach,
          .high = spec.mean() + reach};
}

std::vector<v1::Initializer> Samples() {
  v1::Initializer plain;
  plain.mutable_random_normal();
  v1::Initializer set;
  set.mutable_random_normal()->set_mean(2);
  set.mutable_random_normal()->set_stddev(3);
  return {plain, set};
}

}  // namespace

extern const InitializerKind random_normal_kind;
constinit const InitializerKind random_normal_kind = {
    .field = v1::Initializer::kRandomNormal,
    .documentation = "A normal distribution.",
    .source = "Keras, RandomNormal",
    .check = CheckSettings,
    .draw = Draw,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::initializers
