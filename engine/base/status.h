// SPDX-License-Identifier: Apache-2.0
// What every folder says when something is wrong: builders that name the field, what was found and
// what is allowed, and the two macros that pass errors on.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gradus::base {

// Payload under which a status carries the path of the field it is about; the RPC border turns it
// into a google.rpc.BadRequest.
inline constexpr char kFieldPayloadUrl[] = "type.gradus/field";

// "PATH: FOUND is not ALLOWED" with code INVALID_ARGUMENT and PATH as payload, e.g.
// InvalidArgument("model.layers[3].dense.units", "0", "a positive number").
// An empty PATH leaves out path and payload.
absl::Status InvalidArgument(absl::string_view path, absl::string_view found,
                             absl::string_view allowed);

// The same payload on a status of any code: "PATH: MESSAGE".
absl::Status FieldError(absl::StatusCode code, absl::string_view path, absl::string_view message);

// The field path that `status` carries, if any.
std::optional<std::string> FieldOf(const absl::Status& status);

// `status` as seen from one level up: the field path and the message get `prefix` in front, joined
// by a dot (or directly before an index, "["). A status without a field gets `prefix` as its field.
// OK stays OK.
absl::Status InField(const absl::Status& status, absl::string_view prefix);

// "CONTEXT: MESSAGE" with the same code and payloads. OK stays OK. Add context at a folder's
// border, once.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

// The status for an errno value: "CONTEXT: strerror". EIO is DATA_LOSS, a full disk or quota
// RESOURCE_EXHAUSTED.
absl::Status ErrnoStatus(int error_number, absl::string_view context);

}  // namespace gradus::base

// Returns from the enclosing function when the Status EXPR is not OK. Names are counted, since EXPR
// may be a lambda that uses these macros itself.
#define RETURN_IF_ERROR(...) \
  GRADUS_RETURN_IF_ERROR_(GRADUS_CONCAT_(gradus_status_, __COUNTER__), (__VA_ARGS__))
#define GRADUS_RETURN_IF_ERROR_(tmp, expr) \
  do {                                     \
    ::absl::Status tmp = expr;             \
    if (!tmp.ok()) return tmp;             \
  } while (false)

// Assigns the value of the StatusOr EXPR to LHS (which may declare a variable), or returns its
// status.
#define ASSIGN_OR_RETURN(lhs, ...) \
  GRADUS_ASSIGN_OR_RETURN_(GRADUS_CONCAT_(gradus_status_or_, __COUNTER__), lhs, (__VA_ARGS__))
#define GRADUS_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = expr;                               \
  if (!tmp.ok()) return tmp.status();            \
  lhs = *std::move(tmp)
#define GRADUS_CONCAT_(a, b) GRADUS_CONCAT_INNER_(a, b)
#define GRADUS_CONCAT_INNER_(a, b) a##b
