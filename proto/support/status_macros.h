// SPDX-License-Identifier: Apache-2.0
// The two macros that pass errors on, for folders that may not include engine/base. Include in .cc
// files only.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function when the Status EXPR is not OK.
#ifndef RETURN_IF_ERROR
#define RETURN_IF_ERROR(expr)                        \
  do {                                               \
    ::absl::Status gradus_status_ = (expr);          \
    if (!gradus_status_.ok()) return gradus_status_; \
  } while (false)
#endif

// Assigns the value of the StatusOr EXPR to LHS (which may declare a variable), or returns its
// status.
#ifndef ASSIGN_OR_RETURN
#define ASSIGN_OR_RETURN(lhs, ...) \
  GRADUS_ASSIGN_OR_RETURN_(GRADUS_CONCAT_(gradus_status_or_, __LINE__), lhs, (__VA_ARGS__))
#define GRADUS_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = expr;                               \
  if (!tmp.ok()) return tmp.status();            \
  lhs = *std::move(tmp)
#define GRADUS_CONCAT_(a, b) GRADUS_CONCAT_INNER_(a, b)
#define GRADUS_CONCAT_INNER_(a, b) a##b
#endif
