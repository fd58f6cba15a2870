// SPDX-License-Identifier: Apache-2.0
// Which of this machine's addresses the other ranks are given.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace gradus::collective {

// An address of this machine in digits ("10.0.0.7", "fd00::7"), as `network` says: the first of an
// interface ("eth1"), one inside an IPv4 subnet ("10.0.0.0/8"), or itself. Where that is empty: the
// one from which packets to `server` (a host's name or address) go out; where that is empty too,
// 127.0.0.1.
//   Threads  any; asks the resolver for `server`.
//   Errors   INVALID_ARGUMENT for a malformed network, NOT_FOUND where this machine has no such
//            address, UNAVAILABLE where `server` cannot be resolved or reached.
absl::StatusOr<std::string> OwnAddress(const std::string& network, const std::string& server);

}  // namespace gradus::collective
