// SPDX-License-Identifier: Apache-2.0
// What a rank is told at its start.
#pragma once

#include "absl/status/statusor.h"
#include "gradus/v1/config.pb.h"

namespace gradus::worker {

// Reads a WorkerConfig in JSON from `fd` to its end, and closes it.
//   Errors   INVALID_ARGUMENT: not JSON, an unknown field, a field that is missing; nothing of the
//   content is repeated, it holds secrets.
absl::StatusOr<v1::WorkerConfig> ReadConfig(int fd);

}  // namespace gradus::worker
