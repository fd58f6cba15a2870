// SPDX-License-Identifier: Apache-2.0
// What batch and layer normalization have in common, whatever their message is called.
#pragma once

#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/normalization.h"
#include "engine/layers/convolving.h"
#include "engine/layers/extents.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {

template <typename Spec>
absl::Status CheckNormalization(Spec& spec) {
  if (!spec.has_epsilon()) spec.set_epsilon(0.001);
  if (!spec.has_center()) spec.set_center(true);
  if (!spec.has_scale()) spec.set_scale(true);
  FillInitializer(spec.mutable_beta_initializer(), AllZeros);
  FillInitializer(spec.mutable_gamma_initializer(), AllOnes);
  // It must still be above 0 as a float.
  if (std::isfinite(spec.epsilon()) && static_cast<float>(spec.epsilon()) > 0)
    return absl::OkStatus();
  return base::InvalidArgument("epsilon", absl::StrCat(spec.epsilon()), "a finite number above 0");
}

// gamma and beta, as far as there are any.
template <typename Spec>
std::vector<Weight> NormalizationWeights(const Spec& spec, int64_t channels) {
  std::vector<Weight> weights;
  const auto add = [&](const char* name, const v1::Initializer& initializer) {
    weights.push_back({.name = name,
                       .shape = {channels},
                       .initializer = initializer,
                       .fan_in = channels,
                       .fan_out = channels});
  };
  if (spec.scale()) add("gamma", spec.gamma_initializer());
  if (spec.center()) add("beta", spec.beta_initializer());
  return weights;
}

template <typename Spec>
kernels::NormalizationShape NormalizationShapeOf(const Spec& spec, const Shape& input) {
  return {.positions = CountOf(input) / input.back(),
          .channels = input.back(),
          .epsilon = static_cast<float>(spec.epsilon()),
          .scale = spec.scale(),
          .shift = spec.center()};
}

// 0, 1, ... count - 1.
inline std::vector<int> FirstWeights(size_t count) {
  std::vector<int> weights(count);
  std::iota(weights.begin(), weights.end(), 0);
  return weights;
}

}  // namespace gradus::layers
