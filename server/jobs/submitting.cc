// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/submitting.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/random.h"
#include "engine/base/status.h"
#include "server/registry/weights.h"
#include "server/store/codec.h"
#include "server/store/request_keys.h"

namespace gradus::jobs {
namespace {

using v1::Job;

// The job of an earlier answer, as it was then, with its spec.
absl::StatusOr<std::optional<Job>> Answered(store::ReadTx& tx, const Context& context,
                                            const store::RequestKey& key) {
  ASSIGN_OR_RETURN(const std::optional<std::string> answer,
                   store::FindAnswer(tx, key, context.parts.clock->NowMicros()));
  if (!answer.has_value()) return std::nullopt;
  ASSIGN_OR_RETURN(Job job, store::Decode<Job>(*answer));
  ASSIGN_OR_RETURN(*job.mutable_spec(), LoadSpec(tx, job.id()));
  return job;
}

absl::Status CheckOpenJobs(store::ReadTx& tx, const Context& context, const std::string& user) {
  ASSIGN_OR_RETURN(
      auto row,
      tx.QueryOne<int64_t>(
          "SELECT COUNT(*) FROM jobs WHERE owner = :owner AND state IN (1, 2, 3, 4, 5, 6)", user));
  const int64_t open = row.has_value() ? std::get<0>(*row) : 0;
  if (open < context.options.max_open_jobs) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("you have ", open, " unfinished jobs, ", context.options.max_open_jobs,
                   " are allowed: wait for some to end, or cancel some"));
}

JobRow RowOf(const Context& context, const Submission& submission, int64_t number) {
  JobRow row;
  row.number = number;
  row.priority = submission.spec.priority();
  row.cores = submission.spec.resources().cores();
  row.memory = submission.memory_bytes;
  const v1::Workers& workers = submission.spec.fit().workers();
  row.min_workers = std::max(workers.min(), 1);
  row.max_workers = std::max(workers.max(), row.min_workers);
  row.time_limit = submission.time_limit_micros;
  row.job.set_id(absl::StrCat("j", base::RandomBase32(*context.parts.random, 12)));
  row.job.set_name(submission.spec.name());
  row.job.set_owner(submission.user);
  row.job.set_total_epochs(submission.total_epochs);
  row.job.set_steps_per_epoch(submission.steps_per_epoch);
  return row;
}

absl::StatusOr<Job> Insert(store::Tx& tx, const Context& context, const Submission& submission,
                           const store::RequestKey& key) {
  if (submission.still_valid) RETURN_IF_ERROR(submission.still_valid(tx));
  RETURN_IF_ERROR(CheckOpenJobs(tx, context, submission.user));
  ASSIGN_OR_RETURN(const int64_t number, NextNumber(tx, "job_number"));
  JobRow row = RowOf(context, submission, number);
  v1::Assignment assignment;
  assignment.mutable_datasets()->Assign(submission.datasets.begin(), submission.datasets.end());
  assignment.set_memory_limit(submission.memory_bytes);
  for (const v1::ModelWeights& model : submission.models) {
    *assignment.add_models() = model;
    RETURN_IF_ERROR(registry::AddWeightsRef(tx, *context.parts.blobs, model.index(),
                                            store::kSourceRef, row.job.id()));
  }
  RETURN_IF_ERROR(InsertJob(tx, row, submission.spec, assignment));
  RETURN_IF_ERROR(context.parts.events->Begin(tx, row.job.id()));
  RETURN_IF_ERROR(context.Change(tx, row, Job::QUEUED, ""));
  RETURN_IF_ERROR(
      store::RememberAnswer(tx, key, store::Encode(row.job), context.parts.clock->NowMicros()));
  FAILPOINT("jobs.submit.before_commit");
  *row.job.mutable_spec() = submission.spec;
  return std::move(row.job);
}

absl::Status Refuse(const JobRow& row, const char* what) {
  return absl::FailedPreconditionError(absl::StrCat(
      "job ", row.job.id(), " is ", Job::State_Name(row.job.state()), ": it cannot be ", what));
}

absl::Status Pause(store::Tx& tx, const Context& context, JobRow& row, const std::string& user) {
  const Job::State state = row.job.state();
  if (state == Job::PAUSED || state == Job::PAUSING) return absl::OkStatus();
  if (state == Job::QUEUED)
    return context.Change(tx, row, Job::PAUSED, absl::StrCat("paused by ", user));
  if (state != Job::STARTING && state != Job::RUNNING) return Refuse(row, "paused");
  return context.Change(tx, row, Job::PAUSING, absl::StrCat("paused by ", user));
}

absl::Status Resume(store::Tx& tx, const Context& context, JobRow& row, const std::string& user) {
  if (row.job.state() != Job::PAUSED) return Refuse(row, "resumed");
  row.not_before = 0;
  return context.Change(tx, row, Job::QUEUED, absl::StrCat("resumed by ", user));
}

absl::Status Cancel(store::Tx& tx, const Context& context, JobRow& row, const std::string& user) {
  const std::string reason = absl::StrCat("cancelled by ", user);
  const Job::State state = row.job.state();
  if (IsFinal(state)) return Refuse(row, "cancelled");
  if (state == Job::CANCELLING) return absl::OkStatus();
  if (HasAttempt(state)) return context.Change(tx, row, Job::CANCELLING, reason);
  return context.Change(tx, row, Job::CANCELLED, reason);
}

struct Deed {
  const char* method;
  absl::Status (*run)(store::Tx&, const Context&, JobRow&, const std::string&);
};

constexpr Deed kDeeds[] = {{"PauseJob", Pause}, {"ResumeJob", Resume}, {"CancelJob", Cancel}};

store::RequestKey SubmitKey(const std::string& user, const std::string& request_id,
                            const std::string& fingerprint) {
  return {user, "SubmitJob", request_id, fingerprint};
}

}  // namespace

absl::StatusOr<std::optional<Job>> FindSubmission(const Context& context, const std::string& user,
                                                  const std::string& request_id,
                                                  const std::string& fingerprint) {
  RETURN_IF_ERROR(store::CheckRequestId(request_id));
  std::optional<Job> job;
  RETURN_IF_ERROR(context.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(job, Answered(tx, context, SubmitKey(user, request_id, fingerprint)));
    return absl::OkStatus();
  }));
  return job;
}

absl::StatusOr<Job> StoreSubmission(const Context& context, const Submission& submission,
                                    bool* fresh) {
  RETURN_IF_ERROR(store::CheckRequestId(submission.request_id));
  const store::RequestKey key =
      SubmitKey(submission.user, submission.request_id, submission.fingerprint);
  Job job;
  RETURN_IF_ERROR(context.parts.store->Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(std::optional<Job> earlier, Answered(tx, context, key));
    *fresh = !earlier.has_value();
    if (earlier.has_value()) {
      job = *std::move(earlier);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(job, Insert(tx, context, submission, key));
    return absl::OkStatus();
  }));
  FAILPOINT("jobs.submit.after_commit");
  return job;
}

absl::StatusOr<Job> Steer(const Context& context, Steering steering, const std::string& user,
                          const std::string& id, const std::string& request_id) {
  RETURN_IF_ERROR(store::CheckRequestId(request_id));
  const Deed& deed = kDeeds[static_cast<size_t>(steering)];
  const store::RequestKey key{user, deed.method, request_id, id};
  Job job;
  RETURN_IF_ERROR(context.parts.store->Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(std::optional<Job> earlier, Answered(tx, context, key));
    if (earlier.has_value()) {
      job = *std::move(earlier);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, id));
    RETURN_IF_ERROR(deed.run(tx, context, row, user));
    RETURN_IF_ERROR(
        store::RememberAnswer(tx, key, store::Encode(row.job), context.parts.clock->NowMicros()));
    ASSIGN_OR_RETURN(*row.job.mutable_spec(), LoadSpec(tx, id));
    job = std::move(row.job);
    FAILPOINT("jobs.steer.before_commit");
    return absl::OkStatus();
  }));
  FAILPOINT("jobs.steer.after_commit");
  return job;
}

}  // namespace gradus::jobs
