// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of callbacks, and the check of a job's list.
#include "engine/training/callbacks/kind.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"

namespace gradus::callbacks {

const CallbackKind* Find(const v1::Callback& spec) {
  for (const CallbackKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const CallbackKind& kind) {
  return v1::Callback::descriptor()->FindFieldByNumber(kind.field)->name();
}

absl::Status Check(google::protobuf::RepeatedPtrField<v1::Callback>& specs,
                   std::span<const std::string> names) {
  for (int i = 0; i < specs.size(); ++i) {
    const std::string path = absl::StrCat("[", i, "]");
    const CallbackKind* kind = Find(specs[i]);
    if (i >= kMostCallbacks) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat("more than ", kMostCallbacks, " callbacks"));
    }
    if (kind == nullptr) {
      const std::string words = absl::StrJoin(
          Table(), ", ",
          [](std::string* out, const CallbackKind* member) { out->append(Word(*member)); });
      return base::InvalidArgument(path, "nothing", absl::StrCat("a callback; one of ", words));
    }
    RETURN_IF_ERROR(base::InField(base::InField(kind->check(specs[i], names), Word(*kind)), path));
  }
  return absl::OkStatus();
}

}  // namespace gradus::callbacks
