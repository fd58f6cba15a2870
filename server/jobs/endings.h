// SPDX-License-Identifier: Apache-2.0
// How attempts end, and what becomes of their jobs.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/jobs/attempts.h"
#include "server/jobs/context.h"

namespace gradus::jobs {

// The current attempt is over without a last word that said why: `reason`, in words. The job waits
// again (or has failed, after max_attempts such ends), is paused or cancelled, as its state asks.
// `stopping`: because this server stops, which is no failure of the job.
absl::Status LoseAttempt(store::Tx& tx, const Context& context, JobRow& row,
                         const std::string& reason, bool stopping);

// The attempt was taken away, or never came to run, by no fault of the job's: it waits again, and
// this is no failure of it.
absl::Status YieldAttempt(store::Tx& tx, const Context& context, JobRow& row,
                          const std::string& reason);

// Somebody has cancelled the attempt of this number past this server: so is the job, if that was
// its last one.
absl::Status CancelAttempt(store::Tx& tx, const Context& context, JobRow& row,
                           const executors::RankKey& key, const std::string& reason);

// The rank's last word. DONE publishes the weights and ends the job, all in this transaction.
//   publish_failed  not empty: publishing was tried and refused with this message; the job fails
//   with it. Errors          FAILED_PRECONDITION when the weights' blob is not stored. `refused` is
//   set where publishing refused: undo and call again.
absl::Status FinishAttempt(store::Tx& tx, const Context& context, JobRow& row,
                           const v1::RankFinished& finished, const std::string& publish_failed,
                           std::string* refused);

}  // namespace gradus::jobs
