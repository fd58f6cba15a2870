// SPDX-License-Identifier: Apache-2.0
// A normal distribution cut at two standard deviations.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/training/initializers/kind.h"

namespace gradus::initializers {
namespace {

absl::Status CheckSettings(v1::Initializer& initializer) {
  v1::TruncatedNormal& spec = *initializer.mutable_truncated_normal();
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
  const v1::TruncatedNormal& spec = initializer.truncated_normal();
  base::FillTruncatedNormal(key, 0, static_cast<float>(spec.mean()),
                            static_cast<float>(spec.stddev()), dst);
}

Moments Reference(const v1::Initializer& initializer, const Drawn&) {
  const v1::TruncatedNormal& spec = initializer.truncated_normal();
  // Of the standard one between -2 and 2: 1 - 4 phi(2) / (Phi(2) - Phi(-2)).
  constexpr double kVariance = 0.77374122;
  const double reach = 2 * spec.stddev() * (1 + 1e-6);
  return {.mean = spec.mean(),
          .variance = kVariance * spec.stddev() * spec.stddev(),
          .low = spec.mean() - reach,
          .high = spec.mean() + reach};
}

std::vector<v1::Initializer> Samples() {
  v1::Initializer plain;
  plain.mutable_truncated_normal();
  v1::Initializer set;
  set.mutable_truncated_normal()->set_mean(2);
  set.mutable_truncated_normal()->set_stddev(3);
  return {plain, set};
}

}  // namespace

extern const InitializerKind truncated_normal_kind;
constinit const InitializerKind truncated_normal_kind = {
    .field = v1::Initializer::kTruncatedNormal,
    .documentation = "A normal distribution cut at two standard deviations.",
    .source = "Keras, TruncatedNormal",
    .check = CheckSettings,
    .draw = Draw,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::initializers
