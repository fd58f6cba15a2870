// SPDX-License-Identifier: Apache-2.0
// What the driver does first: matches the store's attempts with the processes that live.
#include <map>
#include <set>

#include "engine/base/failpoint.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/driver.h"
#include "server/jobs/endings.h"
#include "server/jobs/starting.h"

namespace gradus::jobs {
namespace {

struct Left {
  AttemptRow attempt;
  JobRow job;
};

absl::StatusOr<std::vector<Left>> LeftAttempts(const Context& context) {
  std::vector<Left> left;
  RETURN_IF_ERROR(context.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(std::vector<AttemptRow> attempts, LivingAttempts(tx));
    for (AttemptRow& attempt : attempts) {
      ASSIGN_OR_RETURN(JobRow job, LoadJob(tx, attempt.key.job));
      left.push_back({std::move(attempt), std::move(job)});
    }
    return absl::OkStatus();
  }));
  return left;
}

absl::StatusOr<std::vector<std::string>> QueuedJobs(const Context& context) {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(context.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto rows, tx.Query<std::string>("SELECT id FROM jobs WHERE state = :queued",
                                                      v1::Job::QUEUED));
    for (auto& [id] : rows) ids.push_back(std::move(id));
    return absl::OkStatus();
  }));
  return ids;
}

// The process ended while nobody looked.
absl::Status EndUnseen(const Context& context, const AttemptRow& attempt) {
  return context.DriverWrite([&](store::Tx& tx) -> absl::Status {
    const std::string reason = "ended while the server was away";
    RETURN_IF_ERROR(EndAttempt(tx, attempt.key.fence, reason, context.parts.clock->NowMicros()));
    if (attempt.member != 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, attempt.key.job));
    if (!CheckCurrent(row, attempt.key).ok()) return absl::OkStatus();
    row.running_since = 0;  // nobody knows for how long it ran after its last report
    // Without a handle its rank was most likely never started: no failure of the job.
    return LoseAttempt(tx, context, row, reason, attempt.handle.empty());
  });
}

}  // namespace

absl::Status Driver::Recover() {
  FAILPOINT("jobs.recover.begin");
  ASSIGN_OR_RETURN(const std::vector<executors::FoundRank> found, context_.parts.executor->Find());
  std::map<int64_t, executors::FoundRank> living;
  for (const executors::FoundRank& rank : found) living.emplace(rank.key.fence, rank);
  ASSIGN_OR_RETURN(const std::vector<Left> left, LeftAttempts(context_));
  for (const auto& [attempt, job] : left) {
    const auto alive = living.find(attempt.key.fence);
    if (alive == living.end()) {
      RETURN_IF_ERROR(EndUnseen(context_, attempt));
      const auto group = groups_.find(attempt.key.job);
      if (group != groups_.end()) group->second.meetings.EndedUnseen();
      continue;
    }
    Adopt(attempt, job, alive->second);
    living.erase(alive);
  }
  EndStrangers(living);
  RETURN_IF_ERROR(RemoveLeftFolders());
  ASSIGN_OR_RETURN(const std::vector<std::string> queued, QueuedJobs(context_));
  for (const std::string& id : queued) Post([this, id] { Refresh(id); });
  base::LogInfo("jobs taken up", {{"running", ranks_.size()}, {"queued", queued.size()}});
  FAILPOINT("jobs.recover.end");
  return absl::OkStatus();
}

// Processes that the store knows nothing of: an attempt whose transaction was lost, or whose end is
// stored.
void Driver::EndStrangers(const std::map<int64_t, executors::FoundRank>& found) {
  for (const auto& [fence, rank] : found) {
    AttemptRow attempt{.key = rank.key};
    const absl::Status known = context_.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(attempt, LoadAttempt(tx, rank.key));
      return absl::OkStatus();
    });
    attempt.cpus.clear();
    if (!known.ok()) base::LogInfo("a rank of no known attempt is ended", {{"job", rank.key.job}});
    Adopt(attempt, JobRow(), rank);
  }
}

// What ranks wrote that ended while nobody looked: checkpoints that were on their way, spooled
// events, fetched blobs.
absl::Status Driver::RemoveLeftFolders() const {
  std::set<std::string> kept;
  for (const auto& [fence, rank] : ranks_) kept.insert(WorkDirOf(context_, rank.key, rank.member));
  const std::string& folder = context_.options.attempts_dir;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, context_.parts.files->List(folder));
  for (const std::string& name : names) {
    const std::string path = base::JoinPath(folder, name);
    if (!kept.contains(path)) RemoveFolder(path);
  }
  return absl::OkStatus();
}

// Takes a rank back into its group, where it belongs to one. Whether its attempt goes on. Leaders
// come first, since their fences are the lower ones.
bool Driver::Recall(const AttemptRow& attempt, const JobRow& job) {
  if (!CheckRank(job, attempt).ok()) return false;
  if (job.max_workers == 1) return true;
  const executors::RankKey& key = attempt.key;
  if (attempt.member == 0) {
    const Demand demand{key.job,    job.priority,    job.number,     job.cores,
                        job.memory, job.min_workers, job.max_workers};
    AddGroup(key, demand, true);
  }
  const auto found = groups_.find(key.job);
  if (found == groups_.end() || found->second.leader.attempt != key.attempt) return false;
  found->second.fences[attempt.member] = key.fence;
  found->second.meetings.Expect(attempt.member, context_.parts.clock->MonotonicMicros() +
                                                    context_.options.worker_grace_micros);
  return true;
}

void Driver::Adopt(const AttemptRow& attempt, const JobRow& job,
                   const executors::FoundRank& found) {
  const int64_t attach_by =
      context_.parts.clock->MonotonicMicros() + context_.options.worker_grace_micros;
  const bool current = Recall(attempt, job);
  Rank rank;
  rank.key = attempt.key;
  rank.member = attempt.member;
  rank.cpus = attempt.cpus;
  rank.memory = job.memory;
  rank.attach_by = current && job.max_workers > 1 ? 0 : attach_by;
  machine_.TakeThese(rank.cpus, rank.memory);
  Rank& kept = ranks_.emplace(rank.key.fence, std::move(rank)).first->second;
  const absl::Status adopted = context_.parts.executor->Adopt(found);
  if (!adopted.ok()) {
    // It has ended since it was found.
    Post([this, key = attempt.key] {
      Exited({.key = key, .reason = "ended while the server was away"});
    });
    return;
  }
  if (!current) return Kill(kept, "was over already");
  Post([this, id = attempt.key.job] { Refresh(id); });
}

}  // namespace gradus::jobs
