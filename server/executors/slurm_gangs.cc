// SPDX-License-Identifier: Apache-2.0
#include "server/executors/slurm_gangs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gradus::executors {
namespace {

// One look may fall between two of Slurm's own steps.
constexpr int kLooks = 2;
// A job whose submission was not answered may show up this much later: longer than Slurm's commands
// wait for answers, and than its controller takes to save and to come back.
constexpr int64_t kUnclearMicros = 15'000'000;
// For so long after a controller was away nobody's wish is seen in a cancel.
constexpr int64_t kForgetfulMicros = 10'000'000;
// A job that has run for so long has started its steps, or will not.
constexpr int64_t kStepsMicros = 60'000'000;
// For how long a job may be leaving its nodes before its end is told: one whose state Slurm hides
// meanwhile may have been cancelled, and has the time of KillWait to save. What it leaves running
// on a node that does not answer is fenced.
constexpr int64_t kLeavingMicros = 3'000'000;
constexpr int64_t kLeavingUnknownMicros = 120'000'000;

template <typename T>
bool Contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

void SlurmGangs::Add(SlurmBatch batch, const SlurmRanks& ranks) {
  Gang gang;
  for (const int64_t fence : ranks.fences) {
    gang.ranks.push_back({.key = {ranks.job, ranks.attempt, fence},
                          .leads = ranks.has_leader && fence == ranks.fences.front()});
    newest_fence_ = std::max(newest_fence_, fence);
  }
  const std::string name = batch.name;
  gang.batch = std::move(batch);
  gangs_.insert_or_assign(name, std::move(gang));
}

void SlurmGangs::Adopt(const SlurmRanks& ranks, int64_t slurm_job, const RankKey& key) {
  if (Find(key) != nullptr) return;
  const std::string name = SlurmName(store_id_, ranks);
  Gang& gang = gangs_[name];
  gang.batch.name = name;
  gang.stage = Stage::kInSlurm;
  gang.slurm_job = slurm_job;
  gang.ranks.push_back(
      {.key = key, .leads = ranks.has_leader && key.fence == ranks.fences.front()});
}

SlurmGangs::Rank* SlurmGangs::Find(const RankKey& key, Gang** gang) {
  for (auto& [name, candidate] : gangs_) {
    for (Rank& rank : candidate.ranks) {
      if (rank.key != key) continue;
      if (gang != nullptr) *gang = &candidate;
      return &rank;
    }
  }
  return nullptr;
}

void SlurmGangs::Kill(const RankKey& key) {
  Gang* gang = nullptr;
  Rank* const rank = Find(key, &gang);
  if (rank == nullptr) return;
  rank->killed = true;
  if (rank->leads) {
    for (Rank& other : gang->ranks) other.killed = true;
  }
}

std::optional<SlurmBatch> SlurmGangs::NextToSubmit() {
  std::optional<SlurmBatch> next;
  for (auto& [name, gang] : gangs_) {
    if (gang.stage != Stage::kToSubmit) continue;
    const bool wanted = std::any_of(gang.ranks.begin(), gang.ranks.end(),
                                    [](const Rank& rank) { return !rank.killed; });
    if (!wanted) {
      TellAll(gang, {.reason = "was not needed any more before Slurm had it"});
    } else if (!next.has_value()) {
      gang.stage = Stage::kSubmitting;
      // Secrets stay no longer than they are needed.
      next = SlurmBatch{gang.batch.name, std::exchange(gang.batch.options, {}),
                        std::exchange(gang.batch.script, {})};
    }
  }
  Tidy();
  return next;
}

void SlurmGangs::Submitted(const std::string& name, int64_t slurm_job) {
  const auto found = gangs_.find(name);
  if (found == gangs_.end()) return;
  found->second.stage = Stage::kInSlurm;
  found->second.slurm_job = slurm_job;
}

void SlurmGangs::Refused(const std::string& name, const std::string& why) {
  const auto found = gangs_.find(name);
  if (found == gangs_.end()) return;
  TellAll(found->second, {.reason = absl::StrCat("was not taken by Slurm: ", why)});
  Tidy();
}

void SlurmGangs::Unclear(const std::string& name, int64_t now_micros) {
  ControllerAway(now_micros);
  const auto found = gangs_.find(name);
  if (found == gangs_.end()) return;
  found->second.stage = Stage::kUnclear;
  found->second.unclear_since = now_micros;
  found->second.times_missed = 0;
}

void SlurmGangs::Look(const std::vector<SlurmJob>& jobs, int64_t now_micros) {
  looked_at_ = now_micros;
  for (auto& [name, gang] : gangs_) {
    if (gang.stage != Stage::kUnclear && gang.stage != Stage::kInSlurm) continue;
    const auto job = std::find_if(jobs.begin(), jobs.end(), [&](const SlurmJob& candidate) {
      // A controller that has forgotten a job gives its number to another one.
      return candidate.name == name && (gang.slurm_job == 0 || candidate.id == gang.slurm_job);
    });
    gang.listed = job != jobs.end();
    if (job == jobs.end()) {
      Missed(gang, now_micros);
    } else {
      Seen(gang, *job, now_micros);
    }
  }
  LookForStrays(jobs);
  Tidy();
}

void SlurmGangs::Missed(Gang& gang, int64_t now_micros) {
  if (++gang.times_missed < kLooks) return;
  if (gang.stage == Stage::kUnclear) {
    if (now_micros - gang.unclear_since < kUnclearMicros) return;
    TellAll(gang, {.reason = "was not taken by Slurm, which has not answered", .blameless = true});
  } else {
    // Forgotten with a controller that had not saved it yet, or ended long ago.
    TellAll(gang,
            {.reason = absl::StrCat("is no longer known to Slurm (Slurm job ", gang.slurm_job, ")"),
             .blameless = gang.running_since == 0});
  }
}

void SlurmGangs::Seen(Gang& gang, const SlurmJob& job, int64_t now_micros) {
  gang.times_missed = 0;
  gang.stage = Stage::kInSlurm;
  gang.slurm_job = job.id;
  const SlurmPhase phase = PhaseOf(job);
  if (phase == SlurmPhase::kLeaving && gang.leaving_since == 0) gang.leaving_since = now_micros;
  const int64_t patience = HasKnownEnding(job) ? kLeavingMicros : kLeavingUnknownMicros;
  if (phase == SlurmPhase::kEnded ||
      (phase == SlurmPhase::kLeaving && now_micros - gang.leaving_since >= patience)) {
    SlurmEnding ending = EndingOf(job);
    if (!gang.lost_by.empty()) ending = {.reason = gang.lost_by};
    return TellAll(gang, ending);
  }
  if (phase == SlurmPhase::kLeaving) return;
  const bool runs = phase == SlurmPhase::kRunning;
  gang.reason = job.reason;
  // A controller that came back with an older state starts a job again that had run already.
  if (gang.start_time != 0 && (!runs || job.start_time != gang.start_time)) {
    gang.lost_by = absl::StrCat("was started again by Slurm (Slurm job ", job.id, ")");
    for (Rank& rank : gang.ranks) rank.killed = true;
  }
  if (!runs) return;
  gang.start_time = job.start_time;
  gang.nodes = job.nodes;
  if (gang.running_since == 0) gang.running_since = now_micros;
}

// A job of this store that nobody waits for, submitted by a process before this one, or given up
// here. Those of another server on the same store have newer fences.
void SlurmGangs::LookForStrays(const std::vector<SlurmJob>& jobs) {
  strays_.clear();
  for (const SlurmJob& job : jobs) {
    const SlurmPhase phase = PhaseOf(job);
    if (gangs_.contains(job.name) ||
        (phase != SlurmPhase::kWaiting && phase != SlurmPhase::kRunning))
      continue;
    const std::optional<SlurmRanks> ranks = ParseSlurmNames(job.name, job.comment, store_id_);
    if (ranks.has_value() && ranks->fences.back() < newest_fence_) strays_.insert(job.id);
  }
}

std::vector<int64_t> SlurmGangs::JobsOfSteps() const {
  std::vector<int64_t> jobs;
  for (const auto& [name, gang] : gangs_) {
    const bool runs = gang.stage == Stage::kInSlurm && gang.running_since != 0;
    if (runs && gang.ranks.size() > 1 && gang.leaving_since == 0) jobs.push_back(gang.slurm_job);
  }
  return jobs;
}

void SlurmGangs::LookAtSteps(const std::vector<SlurmStep>& steps, int64_t now_micros) {
  const std::vector<int64_t> looked_at = JobsOfSteps();
  for (auto& [name, gang] : gangs_) {
    if (!Contains(looked_at, gang.slurm_job)) continue;
    for (Rank& rank : gang.ranks) {
      const std::string step_name = absl::StrCat(rank.key.fence);
      const auto step = std::find_if(steps.begin(), steps.end(), [&](const SlurmStep& candidate) {
        return candidate.job == gang.slurm_job && candidate.name == step_name;
      });
      const bool there = step != steps.end();
      // Slurm lists a step for as long as it hears nothing of the node, which it has taken out.
      const bool cut_off = there && !gang.nodes.empty() && !Contains(gang.nodes, step->node);
      const bool late = !there && rank.step.empty();
      if (there) rank.step = step->id;
      if ((there && !cut_off) || (late && now_micros - gang.running_since < kStepsMicros)) {
        rank.times_missed = 0;
      } else if (++rank.times_missed >= kLooks) {
        const std::string where = absl::StrCat(" (Slurm job ", gang.slurm_job, ")");
        const char* const how = cut_off ? "was on a node that failed"
                                : late  ? "was never started on its node"
                                        : "has ended";
        Tell(rank, {.reason = absl::StrCat(how, where), .known = cut_off || late});
      }
    }
  }
  Tidy();
}

std::vector<std::string> SlurmGangs::ToCancel() const {
  std::vector<std::string> targets;
  for (const int64_t stray : strays_) targets.push_back(absl::StrCat(stray));
  for (const auto& [name, gang] : gangs_) {
    if (gang.stage != Stage::kInSlurm) continue;
    bool whole = true;
    bool leader = false;
    std::vector<std::string> steps;
    for (const Rank& rank : gang.ranks) {
      whole = whole && (rank.killed || rank.told);
      leader = leader || (rank.killed && rank.leads);
      if (rank.killed && !rank.told && !rank.step.empty()) steps.push_back(rank.step);
    }
    if (!gang.listed) continue;
    if (whole || leader) steps = {absl::StrCat(gang.slurm_job)};
    targets.insert(targets.end(), steps.begin(), steps.end());
  }
  return targets;
}

void SlurmGangs::Tell(Rank& rank, const SlurmEnding& ending) {
  if (std::exchange(rank.told, true)) return;
  const bool by_nobody =
      ending.cancelled && away_at_ != 0 && looked_at_ - away_at_ < kForgetfulMicros;
  exits_.push_back({.key = rank.key,
                    .reason = ending.reason,
                    .clean = ending.clean,
                    .known = ending.known,
                    // What was to end here was cancelled from here.
                    .cancelled = ending.cancelled && !rank.killed && !by_nobody,
                    .blameless = ending.blameless || by_nobody});
}

void SlurmGangs::TellAll(Gang& gang, const SlurmEnding& ending) {
  for (Rank& rank : gang.ranks) Tell(rank, ending);
}

std::string SlurmGangs::Waiting(const RankKey& key) {
  Gang* gang = nullptr;
  if (Find(key, &gang) == nullptr || gang->running_since != 0) return "";
  if (gang->stage == Stage::kUnclear) return "is looked for in Slurm's queue";
  if (gang->stage != Stage::kInSlurm) return "waits for Slurm's controller to answer";
  return absl::StrCat("waits in Slurm's queue (",
                      gang->reason.empty() ? "" : absl::StrCat(gang->reason, ", "), "Slurm job ",
                      gang->slurm_job, ")");
}

std::vector<RankExit> SlurmGangs::TakeExits() { return std::exchange(exits_, {}); }

// A gang all of whose ends are told is of no more interest; what may be left of it is a stray.
void SlurmGangs::Tidy() {
  std::erase_if(gangs_, [](const auto& entry) {
    const std::vector<Rank>& ranks = entry.second.ranks;
    return std::all_of(ranks.begin(), ranks.end(), [](const Rank& rank) { return rank.told; });
  });
}

}  // namespace gradus::executors
