// SPDX-License-Identifier: Apache-2.0
// What Glorot's, He's and LeCun's initializers are special cases of: a variance chosen by a
// weight's fans.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "engine/base/philox.h"
#include "engine/training/initializers/kind.h"
#include "gradus/v1/initializers.pb.h"

namespace gradus::initializers {

using Mode = v1::VarianceScaling::Mode;
using Distribution = v1::VarianceScaling::Distribution;

// Variance scale / n, with n chosen by `mode`. A fan below 1 counts as 1.
double ScaledVariance(double scale, Mode mode, int64_t fan_in, int64_t fan_out);
void DrawScaled(double variance, Distribution distribution, const base::RandomKey& key,
                std::span<float> dst);
Moments ScaledMoments(double variance, Distribution distribution);

// The functions of a kind that is a fixed case.
template <int kScale, Mode kMode, Distribution kDistribution>
struct Fixed {
  static absl::Status Check(v1::Initializer&) { return absl::OkStatus(); }
  static void Draw(const v1::Initializer&, const Drawn& weight, const base::RandomKey& key,
                   std::span<float> dst) {
    DrawScaled(ScaledVariance(kScale, kMode, weight.fan_in, weight.fan_out), kDistribution, key,
               dst);
  }
  static Moments Reference(const v1::Initializer&, const Drawn& weight) {
    return ScaledMoments(ScaledVariance(kScale, kMode, weight.fan_in, weight.fan_out),
                         kDistribution);
  }
};

}  // namespace gradus::initializers
