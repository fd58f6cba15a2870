// SPDX-License-Identifier: Apache-2.0
// Scaling and shifting channels taken into the weights of a product beside it.
#include "engine/layers/folding.h"

namespace gradus::layers {

void MapOutputs(const ChannelMap& after, size_t inner, std::vector<double>& kernel,
                std::vector<double>& bias) {
  const size_t outputs = after.scale.size();
  for (size_t k = 0; k < kernel.size(); ++k) kernel[k] *= after.scale[k / inner % outputs];
  for (size_t o = 0; o < outputs; ++o) bias[o] = bias[o] * after.scale[o] + after.shift[o];
}

void MapInputs(const ChannelMap& before, size_t inputs, size_t outputs, size_t groups,
               std::vector<double>& kernel, std::vector<double>& bias) {
  const size_t channels = before.scale.size();
  for (size_t k = 0; k < kernel.size(); ++k) {
    const size_t output = k % outputs;
    const size_t group = output / (outputs / groups);
    const size_t channel = (group * inputs + k / outputs % inputs) % channels;
    bias[output] += kernel[k] * before.shift[channel];
    kernel[k] *= before.scale[channel];
  }
}

}  // namespace gradus::layers
