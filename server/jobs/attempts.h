// SPDX-License-Identifier: Apache-2.0
// A job's attempts as they lie in the table attempts: one row a rank that was ever asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/executors/executor.h"
#include "server/jobs/job_row.h"
#include "server/store/tx.h"

namespace gradus::jobs {

struct AttemptRow {
  executors::RankKey key;
  std::string handle;  // the executor's; empty until it started
  std::vector<int> cpus;
  int64_t last_worker_seq = 0;  // everything up to it is stored
  bool finished = false;        // the rank's last word is stored
  int32_t member = 0;           // which of the attempt's workers; 0: the leader
  bool ended = false;           // nothing is taken from it any more
};

absl::Status InsertAttempt(store::Tx& tx, const AttemptRow& row, int64_t now_micros);
absl::Status SetHandle(store::Tx& tx, int64_t fence, const std::string& handle);
absl::Status SetReported(store::Tx& tx, int64_t fence, int64_t last_worker_seq, bool finished);
// Its process is gone. OK when that was said before.
absl::Status EndAttempt(store::Tx& tx, int64_t fence, const std::string& ending,
                        int64_t now_micros);

// FAILED_PRECONDITION unless there is exactly this attempt.
absl::StatusOr<AttemptRow> LoadAttempt(store::ReadTx& tx, const executors::RankKey& key);
// Those whose processes were not seen to end.
absl::StatusOr<std::vector<AttemptRow>> LivingAttempts(store::ReadTx& tx);
// How the job's last ended attempts, which are those of their leaders, ended, newest first, in
// words.
absl::StatusOr<std::vector<std::string>> Endings(store::ReadTx& tx, const std::string& job,
                                                 int limit);

// FAILED_PRECONDITION unless `key` is the current attempt of `row`'s job.
absl::Status CheckCurrent(const JobRow& row, const executors::RankKey& key);
// The same for a rank of it, the leader or another one.
absl::Status CheckRank(const JobRow& row, const AttemptRow& rank);

}  // namespace gradus::jobs
