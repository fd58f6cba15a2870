// SPDX-License-Identifier: Apache-2.0
// Layers that end with an activation.
#include "engine/layers/activated.h"

#include <numeric>

namespace gradus::layers {

void AppendActivation(const v1::Activation& activation, const Shape& shape, size_t first,
                      std::vector<Lowered>& chain) {
  auto operation = activations::Lower(activation, shape);
  if (operation == nullptr) return;
  std::vector<int> weights(activations::Weights(activation, shape).size());
  std::iota(weights.begin(), weights.end(), static_cast<int>(first));
  chain.push_back({std::move(operation), std::move(weights), activation.kind_case()});
}

}  // namespace gradus::layers
