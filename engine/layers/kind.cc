// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of layers.
#include "engine/layers/kind.h"

#include "engine/layers/activations/kind.h"

namespace gradus::layers {

const LayerKind* Find(const v1::Layer& spec) {
  for (const LayerKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const LayerKind& kind) {
  return v1::Layer::descriptor()->FindFieldByNumber(kind.field)->name();
}

bool Draws(const v1::Layer& spec) {
  const LayerKind& kind = *Find(spec);
  return kind.random ||
         (kind.activation != nullptr && activations::Find(kind.activation(spec))->random);
}

}  // namespace gradus::layers
