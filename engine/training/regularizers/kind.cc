// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of regularizers.
#include "engine/training/regularizers/kind.h"

#include "engine/base/status.h"

namespace gradus::regularizers {

const RegularizerKind* Find(const v1::Regularizer& spec) {
  for (const RegularizerKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const RegularizerKind& kind) {
  return v1::Regularizer::descriptor()->FindFieldByNumber(kind.field)->name();
}

absl::Status Check(v1::Regularizer& spec) {
  const RegularizerKind* kind = Find(spec);
  return kind == nullptr ? absl::OkStatus() : base::InField(kind->check(spec), Word(*kind));
}

Coefficients CoefficientsOf(const v1::Regularizer& spec) {
  const RegularizerKind* kind = Find(spec);
  return kind == nullptr ? Coefficients{} : kind->lower(spec);
}

}  // namespace gradus::regularizers
