// SPDX-License-Identifier: Apache-2.0
// Statuses that name a field or a reason, and what a program's exit status makes of them.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace gradus::support {

// Payload that holds the path of the field a status is about; the same string as in
// engine/base/status.h. The RPC border turns it into a google.rpc.BadRequest and back.
inline constexpr char kFieldPayloadUrl[] = "type.gradus/field";

// Payload that holds a word programs may compare ("NO_PROFILE"); a google.rpc.ErrorInfo on the
// wire.
inline constexpr char kReasonPayloadUrl[] = "type.gradus/reason";

// Payload that says after how many milliseconds a retry makes sense; a google.rpc.RetryInfo on the
// wire.
inline constexpr char kRetryPayloadUrl[] = "type.gradus/retry_ms";

// "PATH: MESSAGE" with INVALID_ARGUMENT and the path as payload. An empty path leaves out both.
absl::Status FieldError(absl::string_view path, absl::string_view message);

// The payloads, if there are any.
std::optional<std::string> FieldOf(const absl::Status& status);
std::optional<std::string> ReasonOf(const absl::Status& status);

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

// `status` with a reason, or with a delay (0 to a day). OK stays OK.
absl::Status WithReason(absl::Status status, absl::string_view reason);
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// `status` with "CONTEXT: " in front of its message; code and payloads stay. OK stays OK.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

// A command line that makes no sense: INVALID_ARGUMENT with the reason kUsageReason.
inline constexpr char kUsageReason[] = "USAGE";
absl::Status UsageError(absl::string_view message);

// Exit status of a program that ends with `status`: 0 for OK, 2 for a UsageError, else 1.
int ExitCode(const absl::Status& status);

}  // namespace gradus::support
