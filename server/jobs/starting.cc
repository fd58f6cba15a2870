// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/starting.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/attempts.h"

namespace gradus::jobs {
namespace {

bool TimeIsUp(const JobRow& row) { return row.time_limit > 0 && row.ran_micros >= row.time_limit; }

absl::Status Begin(store::Tx& tx, const Context& context, JobRow& row, const std::vector<int>& cpus,
                   executors::RankSpec& spec) {
  ASSIGN_OR_RETURN(const int64_t fence, NextNumber(tx, "fence"));
  spec.key = {row.job.id(), row.job.attempt() + 1, fence};
  spec.memory_bytes = row.memory;
  row.job.set_attempt(spec.key.attempt);
  row.fence = fence;
  row.not_before = 0;
  RETURN_IF_ERROR(InsertAttempt(tx, {spec.key, "", cpus}, context.parts.clock->NowMicros()));
  ASSIGN_OR_RETURN(*spec.config.mutable_profile(), context.parts.issue_profile(tx, spec.key));
  FAILPOINT("jobs.start.before_commit");
  return context.Change(tx, row, v1::Job::STARTING, "");
}

void FillConfig(const Context& context, const std::vector<int>& cpus, executors::RankSpec& spec) {
  v1::WorkerConfig& config = spec.config;
  config.set_endpoint_file(context.options.endpoint_file);
  config.set_job_id(spec.key.job);
  config.set_attempt(spec.key.attempt);
  config.set_fence(spec.key.fence);
  config.set_work_dir(WorkDirOf(context, spec.key));
  config.set_blob_dir(context.parts.blobs->dir());
  for (const int cpu : cpus) config.add_cpus(cpu);
}

}  // namespace

std::string WorkDirOf(const Context& context, const executors::RankKey& key) {
  return base::JoinPath(context.options.attempts_dir, absl::StrCat(key.job, "-", key.attempt));
}

absl::StatusOr<std::optional<executors::RankSpec>> BeginAttempt(const Context& context,
                                                                const std::string& id,
                                                                const std::vector<int>& cpus) {
  std::optional<executors::RankSpec> spec;
  RETURN_IF_ERROR(context.DriverWrite([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, id));
    if (row.job.state() != v1::Job::QUEUED) return absl::OkStatus();
    if (TimeIsUp(row))
      return context.Change(tx, row, v1::Job::TIMED_OUT, "it ran longer than its time_limit");
    return Begin(tx, context, row, cpus, spec.emplace());
  }));
  FAILPOINT("jobs.start.after_commit");
  if (spec.has_value()) FillConfig(context, cpus, *spec);
  return spec;
}

absl::Status StartRank(const Context& context, const executors::RankSpec& spec) {
  RETURN_IF_ERROR(context.parts.files->MakeDir(WorkDirOf(context, spec.key)));
  ASSIGN_OR_RETURN(const std::vector<std::string> handles,
                   context.parts.executor->Start(std::span(&spec, 1)));
  FAILPOINT("jobs.start.after_spawn");
  // It runs, whether or not its handle can be stored; a restart finds it by other means too.
  const absl::Status stored = context.DriverWrite(
      [&](store::Tx& tx) { return SetHandle(tx, spec.key.fence, handles.front()); });
  FAILPOINT("jobs.start.after_handle");
  if (!stored.ok())
    base::LogWarning("a rank's handle was not stored", {{"job", spec.key.job}, {"status", stored}});
  return absl::OkStatus();
}

}  // namespace gradus::jobs
