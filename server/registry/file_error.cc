// SPDX-License-Identifier: Apache-2.0
// The one wording of errors about files.
#include "server/registry/file_error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::registry {

namespace {

absl::Status Error(absl::StatusCode code, absl::string_view field, absl::string_view name,
                   absl::string_view message) {
  absl::Status status(code, absl::StrCat(field, " \"", base::Shown(name), "\": ", message));
  status.SetPayload(base::kFieldPayloadUrl, absl::Cord(field));
  return status;
}

}  // namespace

absl::Status FileError(absl::StatusCode code, size_t index, absl::string_view name,
                       absl::string_view message) {
  return Error(code, absl::StrCat("files[", index, "]"), name, message);
}

absl::Status FileError(absl::StatusCode code, absl::string_view name, absl::string_view message) {
  return Error(code, "file", name, message);
}

absl::Status Nonsense() { return absl::InternalError("the parser's answer makes no sense"); }

}  // namespace gradus::registry
