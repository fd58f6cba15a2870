// SPDX-License-Identifier: Apache-2.0
// Builders of statuses that name a field.
#include "engine/base/status.h"

#include <cerrno>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace gradus::base {
namespace {

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status result(status.code(), message);
  status.ForEachPayload([&result](absl::string_view url, const absl::Cord& payload) {
    result.SetPayload(url, payload);
  });
  return result;
}

absl::StatusCode CodeOf(int error_number) {
  switch (error_number) {
    case EIO:
      return absl::StatusCode::kDataLoss;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    case ELOOP:
    case EXDEV:
      // What openat2 says of a path that leaves its root or runs through a symbolic link.
      return absl::StatusCode::kPermissionDenied;
    default:
      return absl::ErrnoToStatusCode(error_number);
  }
}

}  // namespace

absl::Status FieldError(absl::StatusCode code, absl::string_view path, absl::string_view message) {
  if (path.empty()) return absl::Status(code, message);
  absl::Status status(code, absl::StrCat(path, ": ", message));
  status.SetPayload(kFieldPayloadUrl, absl::Cord(path));
  return status;
}

absl::Status InvalidArgument(absl::string_view path, absl::string_view found,
                             absl::string_view allowed) {
  return FieldError(absl::StatusCode::kInvalidArgument, path,
                    absl::StrCat(found, " is not ", allowed));
}

std::optional<std::string> FieldOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kFieldPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

absl::Status InField(const absl::Status& status, absl::string_view prefix) {
  if (status.ok() || prefix.empty()) return status;
  const std::optional<std::string> field = FieldOf(status);
  const bool has_field = field.has_value() && !field->empty();
  const bool joined_by_dot = has_field && field->front() != '[';
  const absl::string_view glue = !has_field ? ": " : joined_by_dot ? "." : "";
  absl::Status result = WithMessage(status, absl::StrCat(prefix, glue, status.message()));
  result.SetPayload(kFieldPayloadUrl, absl::Cord(has_field ? absl::StrCat(prefix, glue, *field)
                                                           : std::string(prefix)));
  return result;
}

absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  return WithMessage(status, absl::StrCat(context, ": ", status.message()));
}

absl::Status ErrnoStatus(int error_number, absl::string_view context) {
  const absl::Status named = absl::ErrnoToStatus(error_number, context);
  return absl::Status(CodeOf(error_number), named.message());
}

}  // namespace gradus::base
