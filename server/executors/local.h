// SPDX-License-Identifier: Apache-2.0
// Ranks as processes of this machine.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/executors/executor.h"

namespace gradus::executors {

struct LocalOptions {
  std::string program;   // gradus-worker
  std::string store_id;  // store::Store::id(): tells this store's ranks from another's
};

// One thread waits for exits on the ranks' process descriptors: no polling, no signals, and ranks
// that an earlier server process started are watched alike. What a rank leaves behind is killed
// before its exit is told. Ranks outlive this object.
absl::StatusOr<std::unique_ptr<Executor>> MakeLocalExecutor(const LocalOptions& options);

}  // namespace gradus::executors
