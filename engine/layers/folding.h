// SPDX-License-Identifier: Apache-2.0
// Scaling and shifting channels taken into the weights of a product beside it.
//   Source   Jacob et al. 2018, sec. 3.2, in evaluation mode
#pragma once

#include <cstddef>
#include <vector>

#include "engine/layers/activations/kind.h"
#include "engine/layers/weight.h"

namespace gradus::layers {

// y = scale * x + shift for each index of the last axis.
struct ChannelMap {
  std::vector<double> scale;
  std::vector<double> shift;
};

// A layer's weights, in its kind's order.
using WeightValues = std::vector<std::vector<double>>;

// Output channel o of a kernel's value k is k / inner % shift.size(); a bias follows the kernel.
void MapOutputs(const ChannelMap& after, size_t inner, std::vector<double>& kernel,
                std::vector<double>& bias);
// For a kernel (..., inputs of a group, outputs). REQUIRES: as many inputs of all groups as the map
// has channels, or a multiple, whose last axis they are.
void MapInputs(const ChannelMap& before, size_t inputs, size_t outputs, size_t groups,
               std::vector<double>& kernel, std::vector<double>& bias);

// The bias behind weight `kernel`, made where there is none yet.
template <typename Spec>
std::vector<double>& BiasOf(Spec& spec, size_t kernel, size_t outputs, WeightValues& weights) {
  const auto at = weights.begin() + static_cast<std::ptrdiff_t>(kernel) + 1;
  if (!spec.use_bias()) weights.emplace(at, outputs, 0.0);
  spec.set_use_bias(true);
  return weights[kernel + 1];
}

// LayerKind::absorb_after of a message with `activation` and `use_bias`, whose kernel is weight
// `kernel`.
template <typename Spec>
bool AbsorbAfter(Spec& spec, const ChannelMap& after, size_t kernel, size_t inner,
                 const Shape& output, WeightValues& weights) {
  if (activations::Lower(spec.activation(), output) != nullptr) return false;
  std::vector<double>& bias = BiasOf(spec, kernel, after.scale.size(), weights);
  MapOutputs(after, inner, weights[kernel], bias);
  return true;
}

// LayerKind::absorb_before of one with a kernel that reads all of its input, or with borders of
// zeros that a map without shifts leaves as they are.
template <typename Spec>
bool AbsorbBefore(Spec& spec, const ChannelMap& before, size_t inputs, size_t outputs,
                  size_t groups, bool borders, WeightValues& weights) {
  for (const double shift : before.shift) {
    if (borders && shift != 0) return false;
  }
  std::vector<double>& bias = BiasOf(spec, 0, outputs, weights);
  MapInputs(before, inputs, outputs, groups, weights[0], bias);
  return true;
}

}  // namespace gradus::layers
