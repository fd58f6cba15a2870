// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of initializers.
#include "engine/training/initializers/kind.h"

#include "engine/base/status.h"

namespace gradus::initializers {

const InitializerKind* Find(const v1::Initializer& spec) {
  for (const InitializerKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const InitializerKind& kind) {
  return v1::Initializer::descriptor()->FindFieldByNumber(kind.field)->name();
}

absl::Status Check(v1::Initializer& spec) {
  const InitializerKind* kind = Find(spec);
  if (kind == nullptr) return absl::InvalidArgumentError("no initializer is given");
  return base::InField(kind->check(spec), Word(*kind));
}

absl::Status CheckShape(const v1::Initializer& spec, std::span<const int64_t> shape) {
  const InitializerKind& kind = *Find(spec);
  if (kind.check_shape == nullptr) return absl::OkStatus();
  return base::InField(kind.check_shape(shape), Word(kind));
}

}  // namespace gradus::initializers
