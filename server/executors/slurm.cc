// SPDX-License-Identifier: Apache-2.0
#include "server/executors/slurm.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/status.h"
#include "server/executors/slurm_commands.h"
#include "server/executors/slurm_gangs.h"
#include "server/executors/slurm_names.h"

namespace gradus::executors {
namespace {

// While something is being cancelled, the queue is looked at more often.
constexpr int64_t kEagerMicros = 200'000;
constexpr int kEagerLooks = 25;
constexpr int64_t kFindAgainMicros = 500'000;
// A rank may be found before its step has started.
constexpr int64_t kJustStartedSeconds = 60;

class SlurmExecutor final : public Executor {
 public:
  explicit SlurmExecutor(const SlurmOptions& options)
      : options_(options),
        poll_micros_(static_cast<int64_t>(options.place.config.poll_seconds() * 1e6)),
        commands_(options.command_limit_micros),
        prefix_(SlurmPrefix(options.place.store_id)),
        gangs_(options.place.store_id),
        thread_([this] { Run(); }) {}

  ~SlurmExecutor() override {
    {
      base::MutexLock lock(mu_);
      stop_ = true;
      changed_.SignalAll();
    }
    thread_.join();
  }

  void OnExit(std::function<void(const RankExit&)> callback) override {
    base::MutexLock lock(callback_mu_);
    callback_ = std::move(callback);
  }

  absl::StatusOr<std::vector<std::string>> Start(std::span<const RankSpec> gang) override {
    ASSIGN_OR_RETURN(SlurmBatch batch, MakeSlurmBatch(options_.place, gang));
    std::vector<std::string> handles;
    for (const RankSpec& spec : gang) handles.push_back(Handle(batch.name, spec.key.fence));
    base::MutexLock lock(mu_);
    gangs_.Add(std::move(batch), SlurmRanksOf(gang));
    Wake();
    return handles;
  }

  absl::StatusOr<std::vector<FoundRank>> Find() override;
  absl::Status Adopt(const FoundRank& rank) override;

  void Kill(const RankKey& key) override {
    base::MutexLock lock(mu_);
    gangs_.Kill(key);
    Wake();
  }

  std::string Waiting(const RankKey& key) override {
    base::MutexLock lock(mu_);
    return gangs_.Waiting(key);
  }

  bool is_local() const override { return false; }

 private:
  struct Found {
    SlurmRanks ranks;
    int64_t slurm_job = 0;
  };

  static std::string Handle(const std::string& name, int64_t fence) {
    return absl::StrCat(name, "/", fence);
  }

  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    woken_ = true;
    changed_.SignalAll();
  }

  absl::Status FindOnce(std::vector<FoundRank>& found);
  void Run();
  bool Rest();
  absl::Status LookAndAct();
  void SubmitAll();
  void NoteAnswer(const absl::Status& status);
  void TellExits();

  const SlurmOptions options_;
  const int64_t poll_micros_;
  const SlurmCommands commands_;
  const std::string prefix_;
  base::Clock& clock_ = base::RealClock();

  // The thread's own.
  bool answering_ = true;  // Slurm, when it was last asked
  int eager_looks_ = 0;

  base::Mutex mu_;
  base::CondVar changed_;
  SlurmGangs gangs_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, Found> found_ ABSL_GUARDED_BY(mu_);  // by fence
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  base::Mutex callback_mu_;
  std::function<void(const RankExit&)> callback_ ABSL_GUARDED_BY(callback_mu_);
  std::thread thread_;  // last: it uses all of the above
};

absl::StatusOr<std::vector<FoundRank>> SlurmExecutor::Find() {
  const int64_t deadline = clock_.MonotonicMicros() + options_.patience_micros;
  while (true) {
    std::vector<FoundRank> found;
    const absl::Status status = FindOnce(found);
    if (status.ok()) return found;
    base::LogWarning("Slurm's queue cannot be read", {{"status", status}});
    base::MutexLock lock(mu_);
    clock_.WaitFor(mu_, changed_, kFindAgainMicros,
                   [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stop_; });
    if (clock_.MonotonicMicros() >= deadline)
      return absl::UnavailableError(
          absl::StrCat("which workers run cannot be told: ", status.message()));
  }
}

absl::Status SlurmExecutor::FindOnce(std::vector<FoundRank>& found) {
  ASSIGN_OR_RETURN(const std::vector<SlurmJob> jobs, commands_.Jobs(prefix_));
  std::vector<SlurmStep> steps;
  std::vector<int64_t> running;
  for (const SlurmJob& job : jobs) {
    if (PhaseOf(job) == SlurmPhase::kRunning) running.push_back(job.id);
  }
  if (!running.empty()) {
    ASSIGN_OR_RETURN(steps, commands_.Steps(running));
  }
  const auto has_ended = [&](const SlurmJob& job, int64_t fence) {
    const int64_t ran = clock_.NowMicros() / 1'000'000 - job.start_time;
    if (PhaseOf(job) != SlurmPhase::kRunning || ran < kJustStartedSeconds) return false;
    return std::none_of(steps.begin(), steps.end(), [&](const SlurmStep& step) {
      return step.job == job.id && step.name == absl::StrCat(fence);
    });
  };
  base::MutexLock lock(mu_);
  found_.clear();
  for (const SlurmJob& job : jobs) {
    const SlurmPhase phase = PhaseOf(job);
    const auto ranks = ParseSlurmNames(job.name, job.comment, options_.place.store_id);
    const bool lives = phase == SlurmPhase::kWaiting || phase == SlurmPhase::kRunning;
    if (!lives || !ranks.has_value()) continue;
    for (const int64_t fence : ranks->fences) {
      if (has_ended(job, fence)) continue;
      found_[fence] = {*ranks, job.id};
      found.push_back({{ranks->job, ranks->attempt, fence}, Handle(job.name, fence)});
    }
  }
  return absl::OkStatus();
}

absl::Status SlurmExecutor::Adopt(const FoundRank& rank) {
  base::MutexLock lock(mu_);
  const auto found = found_.find(rank.key.fence);
  if (found == found_.end())
    return absl::NotFoundError(
        absl::StrCat("attempt ", rank.key.attempt, " of job ", rank.key.job, " runs no more"));
  gangs_.Adopt(found->second.ranks, found->second.slurm_job, rank.key);
  Wake();
  return absl::OkStatus();
}

void SlurmExecutor::Run() {
  while (Rest()) {
    NoteAnswer(LookAndAct());
    TellExits();
  }
}

// Until there is something to do; false when this object goes.
bool SlurmExecutor::Rest() {
  constexpr int64_t kForever = int64_t{3600} * 1'000'000;
  base::MutexLock lock(mu_);
  const int64_t pause = gangs_.empty()     ? kForever
                        : eager_looks_ > 0 ? std::min(kEagerMicros, poll_micros_)
                                           : poll_micros_;
  clock_.WaitFor(mu_, changed_, pause,
                 [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stop_ || woken_; });
  if (woken_) eager_looks_ = kEagerLooks;
  woken_ = false;
  return !stop_;
}

absl::Status SlurmExecutor::LookAndAct() {
  {
    base::MutexLock lock(mu_);
    if (gangs_.empty()) return absl::OkStatus();
  }
  // Looked at before anything is submitted: nothing is handed to a controller that is away, where
  // it would never be known whether it has arrived.
  ASSIGN_OR_RETURN(const std::vector<SlurmJob> jobs, commands_.Jobs(prefix_));
  std::vector<int64_t> jobs_of_steps;
  {
    base::MutexLock lock(mu_);
    gangs_.Look(jobs, clock_.MonotonicMicros());
    jobs_of_steps = gangs_.JobsOfSteps();
  }
  if (!jobs_of_steps.empty()) {
    const absl::StatusOr<std::vector<SlurmStep>> steps = commands_.Steps(jobs_of_steps);
    base::MutexLock lock(mu_);
    // Jobs that have ended since they were listed make it fail.
    if (steps.ok()) gangs_.LookAtSteps(*steps, clock_.MonotonicMicros());
  }
  SubmitAll();
  std::vector<std::string> targets;
  {
    base::MutexLock lock(mu_);
    targets = gangs_.ToCancel();
  }
  eager_looks_ = targets.empty() ? 0 : std::max(0, eager_looks_ - 1);
  commands_.Cancel(targets);
  return absl::OkStatus();
}

void SlurmExecutor::SubmitAll() {
  while (true) {
    std::optional<SlurmBatch> batch;
    {
      base::MutexLock lock(mu_);
      if (!stop_) batch = gangs_.NextToSubmit();
    }
    if (!batch.has_value()) return;
    const absl::StatusOr<int64_t> job = commands_.Submit(*batch);
    base::MutexLock lock(mu_);
    if (job.ok()) {
      gangs_.Submitted(batch->name, *job);
    } else if (absl::IsUnavailable(job.status())) {
      base::LogWarning("whether Slurm has taken a job is not known: it is looked for",
                       {{"name", batch->name}, {"status", job.status()}});
      return gangs_.Unclear(batch->name, clock_.MonotonicMicros());
    } else {
      gangs_.Refused(batch->name, std::string(job.status().message()));
    }
  }
}

void SlurmExecutor::NoteAnswer(const absl::Status& status) {
  if (!status.ok()) {
    base::MutexLock lock(mu_);
    gangs_.ControllerAway(clock_.MonotonicMicros());
  }
  if (status.ok() == answering_) return;
  answering_ = status.ok();
  if (answering_) {
    base::LogInfo("Slurm answers again");
  } else {
    base::LogWarning("Slurm does not answer: what runs there goes on, and nothing is started",
                     {{"status", status}});
  }
}

void SlurmExecutor::TellExits() {
  std::vector<RankExit> exits;
  {
    base::MutexLock lock(mu_);
    exits = gangs_.TakeExits();
  }
  base::MutexLock lock(callback_mu_);
  for (const RankExit& exit : exits) {
    if (callback_) callback_(exit);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> MakeSlurmExecutor(const SlurmOptions& options) {
  const absl::Status status = SlurmCommands(options.command_limit_micros).Ping();
  if (absl::IsNotFound(status))
    return absl::FailedPreconditionError(absl::StrCat("executor slurm: ", status.message()));
  if (!status.ok()) base::LogWarning("Slurm does not answer", {{"status", status}});
  return std::make_unique<SlurmExecutor>(options);
}

}  // namespace gradus::executors
