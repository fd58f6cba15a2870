// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/reports.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/status.h"
#include "server/jobs/attempts.h"
#include "server/jobs/best_checkpoints.h"
#include "server/jobs/checkpoints.h"
#include "server/jobs/endings.h"
#include "server/jobs/record.h"

namespace gradus::jobs {
namespace {

// One batch on its way into the store.
class Intake {
 public:
  Intake(const Context& context, store::Tx& tx, JobRow& row, AttemptRow& attempt)
      : context_(context), tx_(tx), row_(row), attempt_(attempt) {}

  absl::Status Take(const v1::WorkerEvent& event, const std::string& publish_failed,
                    std::string* refused) {
    if (event.worker_seq() <= attempt_.last_worker_seq)
      return absl::OkStatus();  // repeated after a break
    if (event.worker_seq() != attempt_.last_worker_seq + 1) {
      return absl::OutOfRangeError(absl::StrCat("worker_seq: ", event.worker_seq(),
                                                " does not follow ", attempt_.last_worker_seq,
                                                ", the last one stored"));
    }
    if (attempt_.finished)
      return absl::FailedPreconditionError("the rank's last word was said before");
    attempt_.last_worker_seq = event.worker_seq();
    switch (event.kind_case()) {
      case v1::WorkerEvent::kEvent:
        return TakeEvent(event.event());
      case v1::WorkerEvent::kCheckpointReady:
        return TakeCheckpoint(event.checkpoint_ready());
      case v1::WorkerEvent::kBestCheckpointReady:
        return TakeBestCheckpoint(event.best_checkpoint_ready());
      case v1::WorkerEvent::kFinished:
        RETURN_IF_ERROR(Flush());
        attempt_.finished = true;
        return FinishAttempt(tx_, context_, row_, event.finished(), publish_failed, refused);
      default:
        return base::InvalidArgument("events.kind", "nothing",
                                     "event, checkpoint_ready, best_checkpoint_ready or finished");
    }
  }

  // Stores what is waiting.
  absl::Status Flush() {
    RETURN_IF_ERROR(
        context_.parts.events->Append(tx_, row_.job.id(), row_.job.attempt(), pending_));
    pending_.clear();
    return absl::OkStatus();
  }

 private:
  absl::Status TakeEvent(v1::Event event) {
    RETURN_IF_ERROR(CheckRankEvent(event));
    ApplyEvent(event, row_.job);
    pending_.push_back(std::move(event));
    return absl::OkStatus();
  }

  absl::Status TakeCheckpoint(const v1::CheckpointReady& checkpoint) {
    v1::Event event;
    event.mutable_checkpoint_saved()->set_step(checkpoint.step());
    event.mutable_checkpoint_saved()->set_sha256(checkpoint.blob().sha256());
    event.mutable_checkpoint_saved()->set_size(checkpoint.blob().size());
    pending_.push_back(std::move(event));
    std::vector<v1::Event> events = std::exchange(pending_, {});
    RETURN_IF_ERROR(context_.parts.events->Append(tx_, row_.job.id(), row_.job.attempt(), events));
    ASSIGN_OR_RETURN(const v1::JobSpec spec, LoadSpec(tx_, row_.job.id()));
    constexpr int kFewestKept = 2;
    const int keep_last = std::max(kFewestKept, spec.fit().checkpoint().keep_last());
    return AddCheckpoint(tx_, row_.job.id(), checkpoint, events.back().seq(), keep_last);
  }

  absl::Status TakeBestCheckpoint(const v1::BestCheckpointReady& ready) {
    ASSIGN_OR_RETURN(const v1::JobSpec spec, LoadSpec(tx_, row_.job.id()));
    return KeepBestCheckpoint(tx_, *context_.parts.blobs, row_, ready,
                              spec.fit().checkpoint().keep_best());
  }

  const Context& context_;
  store::Tx& tx_;
  JobRow& row_;
  AttemptRow& attempt_;
  std::vector<v1::Event> pending_;
};

struct Outcome {
  int64_t acked = 0;
  bool state_changed = false;
  std::string refused;  // why publishing was refused
};

absl::Status StoreBatch(store::Tx& tx, const Context& context, const executors::RankKey& key,
                        const v1::EventBatch& batch, const std::string& publish_failed,
                        Outcome& outcome) {
  ASSIGN_OR_RETURN(AttemptRow attempt, LoadAttempt(tx, key));
  outcome.acked = attempt.last_worker_seq;
  if (attempt.finished) return absl::OkStatus();  // a repetition: its acknowledgement was lost
  ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, key.job));
  RETURN_IF_ERROR(CheckCurrent(row, key));
  if (row.job.state() == v1::Job::STARTING) {
    return absl::FailedPreconditionError(
        absl::StrCat("attempt ", key.attempt, " of job ", key.job, " has not attached"));
  }
  Intake intake(context, tx, row, attempt);
  const v1::Job::State before = row.job.state();
  for (const v1::WorkerEvent& event : batch.events()) {
    RETURN_IF_ERROR(intake.Take(event, publish_failed, &outcome.refused));
  }
  RETURN_IF_ERROR(intake.Flush());
  AccountRunningTime(row, *context.parts.clock);
  RETURN_IF_ERROR(SaveJob(tx, row));
  RETURN_IF_ERROR(SetReported(tx, key.fence, attempt.last_worker_seq, attempt.finished));
  outcome.acked = attempt.last_worker_seq;
  outcome.state_changed = attempt.finished || row.job.state() != before;
  FAILPOINT("jobs.report.before_commit");
  return absl::OkStatus();
}

absl::Status StoreHello(store::Tx& tx, const Context& context, const executors::RankKey& key,
                        AttachResult& result) {
  ASSIGN_OR_RETURN(const AttemptRow attempt, LoadAttempt(tx, key));
  result.acked = attempt.last_worker_seq;
  result.over = attempt.finished;
  if (result.over) return absl::OkStatus();
  ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, key.job));
  RETURN_IF_ERROR(CheckRank(row, attempt));
  if (attempt.member == 0 && row.job.state() == v1::Job::STARTING)
    RETURN_IF_ERROR(context.Change(tx, row, v1::Job::RUNNING, ""));
  FAILPOINT("jobs.attach.before_commit");
  return absl::OkStatus();
}

absl::StatusOr<v1::Assignment> AssignmentOf(const Context& context, const std::string& job) {
  v1::Assignment assignment;
  RETURN_IF_ERROR(context.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(assignment, LoadAssignment(tx, job));
    ASSIGN_OR_RETURN(*assignment.mutable_spec(), LoadSpec(tx, job));
    ASSIGN_OR_RETURN(std::vector<v1::CheckpointReady> checkpoints, LoadCheckpoints(tx, job));
    for (v1::CheckpointReady& checkpoint : checkpoints)
      *assignment.add_checkpoints() = std::move(checkpoint);
    return absl::OkStatus();
  }));
  return assignment;
}

}  // namespace

absl::StatusOr<AttachResult> TakeHello(const Context& context, const v1::Hello& hello) {
  const executors::RankKey key{hello.job_id(), hello.attempt(), hello.fence()};
  AttachResult result;
  RETURN_IF_ERROR(context.parts.store->Write(
      [&](store::Tx& tx) { return StoreHello(tx, context, key, result); }));
  FAILPOINT("jobs.attach.after_commit");
  if (!result.over && !hello.reattached()) {
    ASSIGN_OR_RETURN(result.assignment, AssignmentOf(context, key.job));
  }
  return result;
}

absl::StatusOr<int64_t> TakeBatch(const Context& context, const executors::RankKey& key,
                                  const v1::EventBatch& batch, bool* state_changed) {
  Outcome outcome;
  absl::Status status = context.parts.store->Write(
      [&](store::Tx& tx) { return StoreBatch(tx, context, key, batch, "", outcome); });
  if (!status.ok() && !outcome.refused.empty()) {
    // Undone as a whole: once more, with the refusal as the job's end.
    const std::string refused = std::exchange(outcome.refused, {});
    status = context.parts.store->Write(
        [&](store::Tx& tx) { return StoreBatch(tx, context, key, batch, refused, outcome); });
  }
  RETURN_IF_ERROR(status);
  FAILPOINT("jobs.report.after_commit");
  *state_changed = outcome.state_changed;
  return outcome.acked;
}

}  // namespace gradus::jobs
