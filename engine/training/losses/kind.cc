// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of losses.
#include "engine/training/losses/kind.h"

#include "absl/strings/str_join.h"
#include "engine/base/status.h"

namespace gradus::losses {

const LossKind* Find(const v1::Loss& spec) {
  for (const LossKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const LossKind& kind) {
  return v1::Loss::descriptor()->FindFieldByNumber(kind.field)->name();
}

absl::Status Check(v1::Loss& spec) {
  const LossKind* kind = Find(spec);
  if (kind == nullptr) {
    const std::string words =
        absl::StrJoin(Table(), ", ",
                      [](std::string* out, const LossKind* member) { out->append(Word(*member)); });
    return absl::InvalidArgumentError("a loss is required: one of " + words);
  }
  return base::InField(kind->check(spec), Word(*kind));
}

}  // namespace gradus::losses
