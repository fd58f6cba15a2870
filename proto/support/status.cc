// SPDX-License-Identifier: Apache-2.0
// Payloads of statuses.
#include "proto/support/status.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace gradus::support {
namespace {

std::optional<std::string> Payload(const absl::Status& status, absl::string_view url) {
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

}  // namespace

absl::Status FieldError(absl::string_view path, absl::string_view message) {
  if (path.empty()) return absl::InvalidArgumentError(message);
  absl::Status status = absl::InvalidArgumentError(absl::StrCat(path, ": ", message));
  status.SetPayload(kFieldPayloadUrl, absl::Cord(path));
  return status;
}

std::optional<std::string> FieldOf(const absl::Status& status) {
  return Payload(status, kFieldPayloadUrl);
}

std::optional<std::string> ReasonOf(const absl::Status& status) {
  return Payload(status, kReasonPayloadUrl);
}

absl::Status WithReason(absl::Status status, absl::string_view reason) {
  if (!status.ok()) status.SetPayload(kReasonPayloadUrl, absl::Cord(reason));
  return status;
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const std::optional<std::string> text = Payload(status, kRetryPayloadUrl);
  int64_t milliseconds = 0;
  if (!text.has_value() || !absl::SimpleAtoi(*text, &milliseconds)) return std::nullopt;
  return absl::Milliseconds(milliseconds);
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  const absl::Duration kept = std::clamp(delay, absl::ZeroDuration(), absl::Hours(24));
  if (!status.ok())
    status.SetPayload(kRetryPayloadUrl, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(kept))));
  return status;
}

absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  absl::Status result(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&result](absl::string_view url, const absl::Cord& payload) {
    result.SetPayload(url, payload);
  });
  return result;
}

absl::Status UsageError(absl::string_view message) {
  return WithReason(absl::InvalidArgumentError(message), kUsageReason);
}

int ExitCode(const absl::Status& status) {
  if (status.ok()) return 0;
  return ReasonOf(status) == kUsageReason ? 2 : 1;
}

}  // namespace gradus::support
