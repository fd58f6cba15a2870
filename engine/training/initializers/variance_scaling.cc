// SPDX-License-Identifier: Apache-2.0
// Variance scale / n, with n chosen by the mode.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/training/initializers/scaled.h"

namespace gradus::initializers {
namespace {

absl::Status CheckSettings(v1::Initializer& initializer) {
  v1::VarianceScaling& spec = *initializer.mutable_variance_scaling();
  if (!spec.has_scale()) spec.set_scale(1);
  if (!std::isfinite(spec.scale()) || spec.scale() <= 0) {
    return base::InvalidArgument("scale", absl::StrCat(spec.scale()),
                                 "a finite number greater than 0");
  }
  if (spec.mode() == v1::VarianceScaling::MODE_UNSPECIFIED)
    spec.set_mode(v1::VarianceScaling::FAN_IN);
  if (!v1::VarianceScaling::Mode_IsValid(spec.mode())) {
    return base::InvalidArgument("mode", absl::StrCat(static_cast<int>(spec.mode())),
                                 "one of fan_in, fan_out, fan_avg");
  }
  if (spec.distribution() == v1::VarianceScaling::DISTRIBUTION_UNSPECIFIED)
    spec.set_distribution(v1::VarianceScaling::TRUNCATED_NORMAL);
  if (!v1::VarianceScaling::Distribution_IsValid(spec.distribution())) {
    return base::InvalidArgument("distribution",
                                 absl::StrCat(static_cast<int>(spec.distribution())),
                                 "one of truncated_normal, untruncated_normal, uniform, normal");
  }
  return absl::OkStatus();
}

double VarianceOf(const v1::VarianceScaling& spec, const Drawn& weight) {
  return ScaledVariance(spec.scale(), spec.mode(), weight.fan_in, weight.fan_out);
}

void Draw(const v1::Initializer& spec, const Drawn& weight, const base::RandomKey& key,
          std::span<float> dst) {
  DrawScaled(VarianceOf(spec.variance_scaling(), weight), spec.variance_scaling().distribution(),
             key, dst);
}

Moments Reference(const v1::Initializer& spec, const Drawn& weight) {
  return ScaledMoments(VarianceOf(spec.variance_scaling(), weight),
                       spec.variance_scaling().distribution());
}

std::vector<v1::Initializer> Samples() {
  std::vector<v1::Initializer> samples;
  for (const Distribution distribution :
       {v1::VarianceScaling::TRUNCATED_NORMAL, v1::VarianceScaling::UNTRUNCATED_NORMAL,
        v1::VarianceScaling::UNIFORM, v1::VarianceScaling::NORMAL}) {
    for (const Mode mode : {v1::VarianceScaling::FAN_IN, v1::VarianceScaling::FAN_OUT,
                            v1::VarianceScaling::FAN_AVG}) {
      v1::VarianceScaling& spec = *samples.emplace_back().mutable_variance_scaling();
      spec.set_scale(1.5);
      spec.set_mode(mode);
      spec.set_distribution(distribution);
    }
  }
  return samples;
}

}  // namespace

extern const InitializerKind variance_scaling_kind;
constinit const InitializerKind variance_scaling_kind = {
    .field = v1::Initializer::kVarianceScaling,
    .documentation = "Variance scale / n, with n chosen by the mode.",
    .source = "Keras, VarianceScaling",
    .check = CheckSettings,
    .draw = Draw,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::initializers
