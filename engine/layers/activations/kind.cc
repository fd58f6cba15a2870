// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of activations.
#include "engine/layers/activations/kind.h"

#include "engine/base/status.h"

namespace gradus::activations {

const ActivationKind* Find(const v1::Activation& spec) {
  for (const ActivationKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const ActivationKind& kind) {
  return v1::Activation::descriptor()->FindFieldByNumber(kind.field)->name();
}

absl::Status Check(v1::Activation& spec) {
  if (spec.kind_case() == v1::Activation::KIND_NOT_SET) spec.mutable_linear();
  const ActivationKind& kind = *Find(spec);
  return base::InField(kind.check(spec), Word(kind));
}

std::unique_ptr<const kernels::Operation> Lower(const v1::Activation& spec,
                                                std::span<const int64_t> shape) {
  return Find(spec)->lower(spec, shape);
}

}  // namespace gradus::activations
