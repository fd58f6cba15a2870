// SPDX-License-Identifier: Apache-2.0
// What a handler knows of the call it answers.
#pragma once

#include <grpcpp/server_context.h>

#include <cstdint>
#include <string>

#include "server/auth/policy.h"
#include "server/registry/editor.h"

namespace gradus::api {

struct Call {
  const auth::Rule* rule = nullptr;
  auth::Principal principal;
  std::string peer;
  // Value of the request's field rule->key, if it has one; of a rank its job and attempt.
  std::string object;
  int64_t started_micros = 0;  // monotonic

  registry::Editor Editor() const { return {principal.user, principal.role == auth::Role::kAdmin}; }

  // Whose objects a list may show: empty for everybody's.
  std::string ListOwner() const {
    return auth::ReachOf(*rule, principal.role) == auth::Reach::kAny ? "" : principal.user;
  }
};

}  // namespace gradus::api
