// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/endings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/status.h"
#include "server/registry/weights.h"

namespace gradus::jobs {
namespace {

using v1::Job;

constexpr int64_t kLongestRetryDelay = 30'000'000;
constexpr int64_t kExecutorsNews = 15'000'000;

int64_t RetryDelay(const JobsOptions& options, int failures) {
  const int doublings = std::min(failures - 1, 20);
  return std::min(kLongestRetryDelay, options.retry_delay_micros << doublings);
}

absl::Status Retry(store::Tx& tx, const Context& context, JobRow& row, const std::string& reason) {
  ++row.failures;
  if (row.failures >= context.options.max_attempts) {
    return context.Change(
        tx, row, Job::FAILED,
        absl::StrCat("its worker was lost ", row.failures, " times, the last time: ", reason));
  }
  row.not_before =
      context.parts.clock->MonotonicMicros() + RetryDelay(context.options, row.failures);
  FAILPOINT("jobs.requeue.before_commit");
  return context.Change(tx, row, Job::QUEUED, absl::StrCat("its worker was lost: ", reason));
}

absl::Status Cancelled(store::Tx& tx, const Context& context, JobRow& row) {
  return context.Change(tx, row, Job::CANCELLED, row.job.reason());
}

// "fashion-a@1", or empty where the job publishes nothing.
absl::StatusOr<std::string> Publish(store::Tx& tx, const Context& context, const JobRow& row,
                                    const v1::RankFinished& finished, std::string* refused) {
  ASSIGN_OR_RETURN(v1::JobSpec spec, LoadSpec(tx, row.job.id()));
  if (spec.publish().model().empty()) return std::string();
  v1::Job job = row.job;
  *job.mutable_spec() = std::move(spec);
  FAILPOINT("jobs.finish.before_publish");
  absl::StatusOr<std::string> reference = context.parts.publish(tx, job, finished);
  FAILPOINT("jobs.finish.after_publish");
  if (!reference.ok()) *refused = std::string(reference.status().message());
  return reference;
}

absl::Status Succeed(store::Tx& tx, const Context& context, JobRow& row,
                     const v1::RankFinished& finished, std::string* refused) {
  RETURN_IF_ERROR(registry::AddWeightsRef(tx, *context.parts.blobs, finished.weights(), "weights",
                                          row.job.id()));
  row.job.set_weights_sha256(finished.weights_sha256());
  ASSIGN_OR_RETURN(const std::string reference, Publish(tx, context, row, finished, refused));
  if (!reference.empty()) {
    row.job.set_published(reference);
    v1::Event event;
    event.mutable_model_published()->set_model(reference);
    event.mutable_model_published()->set_weights_sha256(finished.weights_sha256());
    RETURN_IF_ERROR(
        context.parts.events->Append(tx, row.job.id(), row.job.attempt(), std::span(&event, 1)));
  }
  return context.Change(tx, row, Job::SUCCEEDED, "");
}

// STOPPED while PAUSING stays PAUSING until the process is gone: PAUSED promises that no worker
// runs.
absl::Status Stopped(store::Tx& tx, const Context& context, JobRow& row,
                     const std::string& reason) {
  if (row.job.state() == Job::PAUSING) return absl::OkStatus();
  row.not_before = 0;
  // A rank that was told to stop by the executor's own queue says so before the executor can say
  // why.
  if (!context.parts.executor->is_local())
    row.not_before = context.parts.clock->MonotonicMicros() + kExecutorsNews;
  return context.Change(tx, row, Job::QUEUED, reason.empty() ? "server stopped" : reason);
}

}  // namespace

absl::Status LoseAttempt(store::Tx& tx, const Context& context, JobRow& row,
                         const std::string& reason, bool stopping) {
  switch (row.job.state()) {
    case Job::PAUSING:
      return context.Change(tx, row, Job::PAUSED, row.job.reason());
    case Job::CANCELLING:
      return Cancelled(tx, context, row);
    default:
      return stopping ? Stopped(tx, context, row, "server stopped")
                      : Retry(tx, context, row, reason);
  }
}

absl::Status YieldAttempt(store::Tx& tx, const Context& context, JobRow& row,
                          const std::string& reason) {
  const bool trains = row.job.state() == Job::STARTING || row.job.state() == Job::RUNNING;
  if (!trains) return LoseAttempt(tx, context, row, reason, false);
  row.not_before = context.parts.clock->MonotonicMicros() + context.options.retry_delay_micros;
  return context.Change(tx, row, Job::QUEUED, absl::StrCat("its worker ", reason));
}

absl::Status CancelAttempt(store::Tx& tx, const Context& context, JobRow& row,
                           const executors::RankKey& key, const std::string& reason) {
  const std::string why = absl::StrCat("its worker ", reason);
  // It had time to save its state and to say that it stops.
  if (row.job.state() == Job::QUEUED && row.job.attempt() == key.attempt)
    return context.Change(tx, row, Job::CANCELLED, why);
  if (!CheckCurrent(row, key).ok()) return absl::OkStatus();
  const bool trains = row.job.state() == Job::STARTING || row.job.state() == Job::RUNNING;
  if (!trains) return LoseAttempt(tx, context, row, reason, false);
  RETURN_IF_ERROR(context.Change(tx, row, Job::CANCELLING, why));
  return Cancelled(tx, context, row);
}

absl::Status FinishAttempt(store::Tx& tx, const Context& context, JobRow& row,
                           const v1::RankFinished& finished, const std::string& publish_failed,
                           std::string* refused) {
  if (row.job.state() == Job::CANCELLING) return Cancelled(tx, context, row);
  if (!publish_failed.empty()) {
    return context.Change(tx, row, Job::FAILED,
                          absl::StrCat("its model could not be published: ", publish_failed));
  }
  switch (finished.outcome()) {
    case v1::RankFinished::DONE:
      return Succeed(tx, context, row, finished, refused);
    case v1::RankFinished::STOPPED:
      return Stopped(tx, context, row, finished.reason());
    case v1::RankFinished::FAILED:
      return context.Change(tx, row, Job::FAILED, finished.reason());
    default:
      // RETRY, and CANCELLED though nobody asked for it.
      return LoseAttempt(tx, context, row, finished.reason(), false);
  }
}

}  // namespace gradus::jobs
