// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/starting.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/attempts.h"
#include "server/jobs/machine.h"

namespace gradus::jobs {
namespace {

bool TimeIsUp(const JobRow& row) { return row.time_limit > 0 && row.ran_micros >= row.time_limit; }

// One worker of the job's present attempt.
absl::StatusOr<executors::RankSpec> NewRank(store::Tx& tx, const Context& context,
                                            const JobRow& row, int32_t member,
                                            const std::vector<int>& cpus) {
  executors::RankSpec spec;
  ASSIGN_OR_RETURN(const int64_t fence, NextNumber(tx, "fence"));
  spec.key = {row.job.id(), row.job.attempt(), fence};
  spec.memory_bytes = row.memory;
  spec.cores = row.cores;
  spec.job_name = row.job.name();
  if (row.time_limit > 0)
    spec.time_limit_micros = std::max<int64_t>(1, row.time_limit - row.ran_micros);
  RETURN_IF_ERROR(InsertAttempt(tx, {.key = spec.key, .cpus = cpus, .member = member},
                                context.parts.clock->NowMicros()));
  v1::WorkerConfig& config = spec.config;
  ASSIGN_OR_RETURN(*config.mutable_profile(), context.parts.issue_profile(tx, spec.key));
  config.set_endpoint_file(context.options.endpoint_file);
  config.set_job_id(spec.key.job);
  config.set_attempt(spec.key.attempt);
  config.set_fence(fence);
  config.set_work_dir(WorkDirOf(context, spec.key, member));
  config.set_blob_dir(context.parts.blobs->dir());
  for (const int cpu : cpus) config.add_cpus(cpu % kProcessors);
  config.set_member(member);
  config.set_several(row.max_workers > 1);
  return spec;
}

absl::Status Begin(store::Tx& tx, const Context& context, JobRow& row,
                   const std::vector<std::vector<int>>& cpus,
                   std::vector<executors::RankSpec>& gang) {
  row.job.set_attempt(row.job.attempt() + 1);
  row.not_before = 0;
  for (size_t member = 0; member < cpus.size(); ++member) {
    ASSIGN_OR_RETURN(gang.emplace_back(),
                     NewRank(tx, context, row, static_cast<int32_t>(member), cpus[member]));
  }
  row.fence = gang.front().key.fence;
  FAILPOINT("jobs.start.before_commit");
  return context.Change(tx, row, v1::Job::STARTING, "");
}

absl::StatusOr<int32_t> NextMember(store::ReadTx& tx, const executors::RankKey& leader) {
  ASSIGN_OR_RETURN(
      const auto last,
      tx.QueryOne<int64_t>(
          "SELECT COALESCE(MAX(member), 0) FROM attempts WHERE job = :job AND attempt = :attempt",
          leader.job, leader.attempt));
  return last.has_value() ? static_cast<int32_t>(std::get<0>(*last)) + 1 : 1;
}

}  // namespace

std::string WorkDirOf(const Context& context, const executors::RankKey& key, int32_t member) {
  return base::JoinPath(context.options.attempts_dir,
                        member == 0 ? absl::StrCat(key.job, "-", key.attempt)
                                    : absl::StrCat(key.job, "-", key.attempt, "-", member));
}

absl::StatusOr<std::vector<executors::RankSpec>> BeginAttempt(
    const Context& context, const std::string& id, const std::vector<std::vector<int>>& cpus) {
  std::vector<executors::RankSpec> gang;
  RETURN_IF_ERROR(context.DriverWrite([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, id));
    if (row.job.state() != v1::Job::QUEUED) return absl::OkStatus();
    if (TimeIsUp(row))
      return context.Change(tx, row, v1::Job::TIMED_OUT, "it ran longer than its time_limit");
    return Begin(tx, context, row, cpus, gang);
  }));
  FAILPOINT("jobs.start.after_commit");
  return gang;
}

absl::StatusOr<std::optional<executors::RankSpec>> BeginMember(const Context& context,
                                                               const executors::RankKey& leader,
                                                               const std::vector<int>& cpus) {
  std::optional<executors::RankSpec> spec;
  RETURN_IF_ERROR(context.DriverWrite([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const JobRow row, LoadJob(tx, leader.job));
    if (!CheckCurrent(row, leader).ok()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const int32_t member, NextMember(tx, leader));
    ASSIGN_OR_RETURN(spec, NewRank(tx, context, row, member, cpus));
    FAILPOINT("jobs.start.before_commit");
    return absl::OkStatus();
  }));
  FAILPOINT("jobs.start.after_commit");
  return spec;
}

absl::Status StartRanks(const Context& context, std::span<const executors::RankSpec> gang) {
  for (const executors::RankSpec& spec : gang)
    RETURN_IF_ERROR(context.parts.files->MakeDir(spec.config.work_dir()));
  ASSIGN_OR_RETURN(const std::vector<std::string> handles, context.parts.executor->Start(gang));
  FAILPOINT("jobs.start.after_spawn");
  // They run, whether or not their handles can be stored; a restart finds them by other means too.
  const absl::Status stored = context.DriverWrite([&](store::Tx& tx) -> absl::Status {
    for (size_t i = 0; i < gang.size(); ++i)
      RETURN_IF_ERROR(SetHandle(tx, gang[i].key.fence, handles[i]));
    return absl::OkStatus();
  });
  FAILPOINT("jobs.start.after_handle");
  if (!stored.ok())
    base::LogWarning("a rank's handle was not stored",
                     {{"job", gang.front().key.job}, {"status", stored}});
  return absl::OkStatus();
}

}  // namespace gradus::jobs
