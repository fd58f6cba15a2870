// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of constraints.
#include "engine/training/constraints/kind.h"

#include "engine/base/status.h"

namespace gradus::constraints {

const ConstraintKind* Find(const v1::Constraint& spec) {
  for (const ConstraintKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const ConstraintKind& kind) {
  return v1::Constraint::descriptor()->FindFieldByNumber(kind.field)->name();
}

absl::Status Check(v1::Constraint& spec) {
  const ConstraintKind* kind = Find(spec);
  return kind == nullptr ? absl::OkStatus() : base::InField(kind->check(spec), Word(*kind));
}

}  // namespace gradus::constraints
