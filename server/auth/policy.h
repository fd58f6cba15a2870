// SPDX-License-Identifier: Apache-2.0
// Who may call what on which object: one table with a row for every method that the server answers.
// A method without a row is refused, and a test that walks the proto descriptors fails on it.
#pragma once

#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/auth/principal.h"

namespace gradus::auth {

// What a method acts on.
enum class Object {
  kNothing,  // no stored object, or a new one of the caller's
  kList,     // a list: who reaches only their own gets only their own
  kJob,
  kAttempt,  // the job and attempt that a worker's token is bound to
  kUpload,
  kDataset,
  kModel,
};

// Which objects a role may use a method on.
enum class Reach { kNone, kOwn, kAny };

// One row of the table.
struct Rule {
  // Full name as gRPC has it: "/gradus.v1.JobService/GetJob".
  absl::string_view method;
  Object object = Object::kNothing;
  // The request's field (of a client stream: its first message's) that names the object. Empty for
  // kNothing, kList, kAttempt.
  absl::string_view key;
  Reach user = Reach::kNone;
  Reach admin = Reach::kNone;
  Reach worker = Reach::kNone;
  // Needs no token at all.
  bool open = false;
  // Changes something that is stored; counted against the caller's rate.
  bool writes = false;
};

// The whole table, in the order of its text.
std::span<const Rule> Rules();

// The row of `method`; nullptr when there is none, and then nobody may call it.
const Rule* FindRule(absl::string_view method);

Reach ReachOf(const Rule& rule, Role role);

// Whether the caller may use the method at all. PERMISSION_DENIED else.
absl::Status CheckCall(const Rule& rule, const Principal& principal);

// Whether the caller may use it on an object of `owner`. `what` names the object in the message:
// "job j3k...".
absl::Status CheckObject(const Rule& rule, const Principal& principal, const std::string& owner,
                         absl::string_view what);

// Whether a worker's token is the one of this attempt. PERMISSION_DENIED else.
absl::Status CheckAttempt(const Rule& rule, const Principal& principal, const std::string& job,
                          int32_t attempt);

}  // namespace gradus::auth
