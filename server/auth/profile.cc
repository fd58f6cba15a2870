// SPDX-License-Identifier: Apache-2.0
#include "server/auth/profile.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"

namespace gradus::auth {
namespace {
constexpr size_t kMaxProfileBytes = 64 << 10;
}  // namespace

absl::Status WriteProfile(base::Files& files, const std::string& path, const v1::Profile& profile) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(profile, &text, options).ok()) {
    return absl::InternalError("a profile could not be written as JSON");
  }
  return base::WriteFileAtomically(files, path, text);
}

absl::StatusOr<v1::Profile> ReadProfile(base::Files& files, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(files, path, kMaxProfileBytes));
  v1::Profile profile;
  // The parser's own message may quote the file, and with it the token.
  if (!google::protobuf::util::JsonStringToMessage(text, &profile).ok()) {
    return absl::DataLossError(absl::StrCat(path, ": not a profile"));
  }
  return profile;
}

}  // namespace gradus::auth
