// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of layers.
#include "engine/layers/kind.h"

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

}  // namespace gradus::layers
