// SPDX-License-Identifier: Apache-2.0
// Named places where a test can kill the process, delay it or make it fail; nothing at all unless
// built with GRADUS_FAILPOINTS.
//
// The environment variable GRADUS_FAILPOINTS says what happens where:
// "jobs.submit.after_commit=kill;store.commit=error@3;x=sleep:100ms".
//   kill         SIGKILL to this process
//   error[:C]    FAILPOINT_STATUS returns a status of the canonical code C (5 is NOT_FOUND;
//                UNAVAILABLE without one) from the enclosing function
//   sleep:TIME   waits
//   ...@N        only the N-th time that the place is reached; without it, each time
// A name that is not in failpoints.def, or an action that is not one of these, ends the process at
// its first failpoint: a misspelt test must not pass.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace gradus::base {

inline constexpr std::string_view kFailpoints[] = {
#define GRADUS_FAILPOINT(name) name,
#include "engine/base/failpoints.def"
#undef GRADUS_FAILPOINT
};

// All names, for the tests that walk them.
inline std::span<const std::string_view> FailpointNames() { return kFailpoints; }

// The place of a name in the list; does not compile for a name that is not in it.
consteval size_t FailpointIndex(std::string_view name) {
  for (size_t i = 0; i < std::size(kFailpoints); ++i) {
    if (kFailpoints[i] == name) return i;
  }
  throw "this failpoint is not in engine/base/failpoints.def";
}

// Does what the environment says of failpoint `index`; the status is OK unless that is an error.
absl::Status HitFailpoint(size_t index);

}  // namespace gradus::base

#ifdef GRADUS_FAILPOINTS
#define FAILPOINT(name) \
  ::gradus::base::HitFailpoint(::gradus::base::FailpointIndex(name)).IgnoreError()
#define FAILPOINT_STATUS(name)                                              \
  do {                                                                      \
    ::absl::Status gradus_failpoint_ =                                      \
        ::gradus::base::HitFailpoint(::gradus::base::FailpointIndex(name)); \
    if (!gradus_failpoint_.ok()) return gradus_failpoint_;                  \
  } while (false)
#else
// The name is checked in every build.
#define FAILPOINT(name) static_cast<void>(::gradus::base::FailpointIndex(name))
#define FAILPOINT_STATUS(name) FAILPOINT(name)
#endif
