// SPDX-License-Identifier: Apache-2.0
// What is stored and said of a job's workers beside its leader: who was lost, how many compute
// together.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/jobs/context.h"

namespace gradus::jobs {

// A worker that its attempt goes on without.
struct MemberLoss {
  executors::RankKey key;
  int32_t member = 0;
  std::string reason;      // continues "worker 2 was lost: "
  std::string last_words;  // of its output; may be empty
  int left = 0;            // attached ranks
  int fewest = 1;          // that may go on
};

// Each in a transaction of its own; nothing is said where `leader` leads the job's attempt no more.

// From here on nothing is taken from the worker. Returns the number of the job's newest checkpoint,
// 0 without one, by which repeated losses are told from others.
absl::StatusOr<int64_t> StoreLoss(const Context& context, const executors::RankKey& leader,
                                  const MemberLoss& loss);
// Its process has ended, and nothing follows from that.
absl::Status StoreMemberEnd(const Context& context, const executors::RankKey& key,
                            const std::string& ending);
// It has been told to go, so that another job can begin. From here on nothing is taken from it.
absl::Status StorePlaceGiven(const Context& context, const executors::RankKey& leader,
                             const executors::RankKey& key, int member);
// So many compute together from here on.
absl::Status StoreMeeting(const Context& context, const executors::RankKey& leader, int workers);
// Too few are left.
absl::Status StoreWaiting(const Context& context, const executors::RankKey& leader, int workers,
                          int fewest);

}  // namespace gradus::jobs
