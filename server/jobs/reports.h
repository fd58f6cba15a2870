// SPDX-License-Identifier: Apache-2.0
// What ranks say, taken in transactions that check their fence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/jobs/context.h"

namespace gradus::jobs {

struct AttachResult {
  std::optional<v1::Assignment> assignment;
  int64_t acked = 0;
  bool over = false;  // the attempt's last word is stored already
};

// A rank's first message on a stream: with the leader's a STARTING job is RUNNING from here.
absl::StatusOr<AttachResult> TakeHello(const Context& context, const v1::Hello& hello);

// See Jobs::Report. `job_ended` tells whether the attempt or the job's state changed by it.
absl::StatusOr<int64_t> TakeBatch(const Context& context, const executors::RankKey& key,
                                  const v1::EventBatch& batch, bool* state_changed);

}  // namespace gradus::jobs
