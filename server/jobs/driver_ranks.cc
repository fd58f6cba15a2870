// SPDX-License-Identifier: Apache-2.0
// The driver's dealings with ranks that run: commands, deadlines, exits, the drain.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/driver.h"
#include "server/jobs/endings.h"
#include "server/jobs/starting.h"

namespace gradus::jobs {
namespace {

using v1::Command;

// How much of a failed rank's output is shown in its job's log.
constexpr uint64_t kLastWordsBytes = 2048;

// After a write that failed, and while a rank waits in its executor's queue.
constexpr int64_t kLookAgain = 1'000'000;

int64_t Sooner(int64_t deadline, int64_t other) {
  return deadline == 0 ? other : std::min(deadline, other);
}

}  // namespace

void Driver::Attached(const executors::RankKey& key, int64_t generation,
                      std::shared_ptr<WordSink> sink) {
  bool away = false;
  {
    base::MutexLock lock(mu_);
    away = stop_;
    if (!away) sinks_.insert(sink);
  }
  if (away) return sink->Call(v1::AttachResponse());
  Post([this, key, generation, sink = std::move(sink)] {
    const auto found = ranks_.find(key.fence);
    if (found == ranks_.end() || found->second.killed) return sink->Cancel();
    Rank& rank = found->second;
    if (rank.sink != nullptr) rank.sink->Cancel();
    rank.sink = sink;
    rank.sent = Command::ACTION_UNSPECIFIED;
    rank.attach_by = 0;
    const int64_t now = context_.parts.clock->MonotonicMicros();
    Group* const group = GroupOf(rank);
    if (group != nullptr && group->meetings.Attached(rank.member, generation, now))
      TellMeeting(*group, rank.member);
    Refresh(key.job);
    Tell(rank);
  });
}

void Driver::Heard(const executors::RankKey& key, const v1::Heartbeat& heartbeat,
                   const std::shared_ptr<Pulse>& pulse) {
  {
    base::MutexLock lock(pulse->mu);
    pulse->newest = heartbeat;
    if (std::exchange(pulse->waits, true)) return;
  }
  Post([this, key, pulse] {
    v1::Heartbeat newest;
    {
      base::MutexLock lock(pulse->mu);
      newest.Swap(&pulse->newest);
      pulse->waits = false;
    }
    const auto found = ranks_.find(key.fence);
    Group* const group = found == ranks_.end() ? nullptr : GroupOf(found->second);
    if (group == nullptr) return;
    group->meetings.Heard(found->second.member, newest, context_.parts.clock->MonotonicMicros());
  });
}

void Driver::Detached(const executors::RankKey& key, std::shared_ptr<WordSink> sink) {
  {
    base::MutexLock lock(mu_);
    sinks_.erase(sink);
  }
  Post([this, key, sink = std::move(sink)] {
    const auto found = ranks_.find(key.fence);
    if (found == ranks_.end() || found->second.sink != sink) return;
    Rank& rank = found->second;
    rank.sink = nullptr;
    const int64_t now = context_.parts.clock->MonotonicMicros();
    if (Group* const group = GroupOf(rank); group != nullptr) {
      group->meetings.Detached(rank.member, now);
    } else if (rank.member == 0) {
      rank.attach_by = now + context_.options.worker_grace_micros;
    }
    Refresh(key.job);
  });
}

void Driver::SendRanksAway() {
  std::set<std::shared_ptr<WordSink>> sinks;
  {
    base::MutexLock lock(mu_);
    sinks.swap(sinks_);
  }
  for (const std::shared_ptr<WordSink>& sink : sinks) sink->Call(v1::AttachResponse());
}

void Driver::Steer(Rank& rank, const Glance& glance) {
  const bool over = rank.key.fence != glance.fence || glance.finished;
  if (over) {
    // Nothing is taken from it any more: it has a moment to leave.
    rank.attach_by = 0;
    rank.time_up = 0;
    rank.stop_by = Sooner(
        rank.stop_by, context_.parts.clock->MonotonicMicros() + context_.options.exit_grace_micros);
    return;
  }
  rank.time_up = glance.state == v1::Job::CANCELLING ? 0 : glance.time_up;
  if (glance.state == v1::Job::CANCELLING) {
    if (rank.sink == nullptr) return Kill(rank, "cancelled");
    Want(rank, Command::CANCEL, context_.options.cancel_grace_micros);
  } else if (glance.state == v1::Job::PAUSING) {
    Want(rank, Command::STOP, context_.options.pause_grace_micros);
  } else if (ends_ranks()) {
    // A rank that never attached has nothing to save.
    if (glance.state == v1::Job::STARTING && rank.sink == nullptr)
      return Kill(rank, "server stopped");
    Want(rank, Command::STOP, context_.options.pause_grace_micros);
  }
}

void Driver::Want(Rank& rank, Command::Action action, int64_t grace_micros) {
  if (rank.wanted != action) {
    rank.wanted = action;
    rank.stop_by = context_.parts.clock->MonotonicMicros() + grace_micros;
  }
  Tell(rank);
}

void Driver::Tell(Rank& rank) {
  if (rank.sink == nullptr || rank.wanted == rank.sent) return;
  rank.sent = rank.wanted;
  v1::AttachResponse word;
  word.mutable_command()->set_action(rank.wanted);
  rank.sink->Call(word);
}

void Driver::Kill(Rank& rank, const std::string& reason) {
  rank.attach_by = rank.stop_by = rank.time_up = 0;
  if (std::exchange(rank.killed, true)) return;
  rank.kill_reason = reason;
  context_.parts.executor->Kill(rank.key);
}

void Driver::CheckDeadlines() {
  const int64_t now = context_.parts.clock->MonotonicMicros();
  for (auto& [fence, rank] : ranks_) CheckDeadlines(rank, now);
}

void Driver::CheckDeadlines(Rank& rank, int64_t now) {
  if (rank.time_up != 0 && now >= rank.time_up) return TimeOut(rank);
  if (rank.stop_by != 0 && now >= rank.stop_by) return Kill(rank, "did not stop in time");
  if (rank.attach_by == 0 || now < rank.attach_by) return;
  // What does not run yet cannot be heard of.
  const bool waits = !context_.parts.executor->Waiting(rank.key).empty();
  if (waits || std::exchange(rank.waited, waits)) {
    rank.waited = waits;
    rank.attach_by = now + (waits ? kLookAgain : context_.options.worker_grace_micros);
    return;
  }
  const int64_t seconds = context_.options.worker_grace_micros / 1'000'000;
  Replace(rank, absl::StrCat("was not heard of for ", seconds, " s"));
}

void Driver::TimeOut(Rank& rank) {
  const absl::Status status = context_.DriverWrite([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, rank.key.job));
    if (!CheckCurrent(row, rank.key).ok()) return absl::OkStatus();
    FAILPOINT("jobs.timeout.before_commit");
    return context_.Change(tx, row, v1::Job::TIMED_OUT, "it ran longer than its time_limit");
  });
  if (!status.ok()) {
    base::LogError("a job's time was up and could not be ended",
                   {{"job", rank.key.job}, {"status", status}});
    rank.time_up = context_.parts.clock->MonotonicMicros() + kLookAgain;
    return;
  }
  Kill(rank, "ran longer than its job's time_limit");
}

// Nothing is expected of it any more. The fence falls first, so that whatever the process still
// does is refused.
void Driver::Replace(Rank& rank, const std::string& reason) {
  const absl::Status status = context_.DriverWrite([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, rank.key.job));
    const bool training =
        row.job.state() == v1::Job::STARTING || row.job.state() == v1::Job::RUNNING;
    if (!CheckCurrent(row, rank.key).ok() || !training) return absl::OkStatus();
    return LoseAttempt(tx, context_, row, reason, false);
  });
  // What could not be stored is not done either.
  if (!status.ok()) {
    base::LogError("a silent rank could not be replaced",
                   {{"job", rank.key.job}, {"status", status}});
    rank.attach_by = context_.parts.clock->MonotonicMicros() + kLookAgain;
    return;
  }
  const executors::RankKey key = rank.key;
  Kill(rank, reason);
  EndGroup(key);
  Refresh(key.job);
}

void Driver::Exited(const executors::RankExit& exit) {
  const auto found = ranks_.find(exit.key.fence);
  if (found == ranks_.end()) return;
  const Rank rank = std::move(found->second);
  ranks_.erase(found);
  machine_.Give(rank.cpus, rank.memory);
  if (rank.sink != nullptr) rank.sink->Cancel();
  if (rank.member != 0) {
    MemberExited(rank, exit);
  } else {
    EndGroup(rank.key);
    const bool stopping = rank.killed && ends_ranks();
    EndRank(rank.killed ? executors::RankExit{.key = exit.key, .reason = rank.kill_reason} : exit,
            stopping, exit.clean || rank.killed ? "" : LastWords(rank));
  }
  RemoveFolder(WorkDirOf(context_, exit.key, rank.member));
}

void Driver::EndRank(const executors::RankExit& exit, bool stopping,
                     const std::string& last_words) {
  const executors::RankKey& key = exit.key;
  const std::string& reason = exit.reason;
  const absl::Status status = context_.DriverWrite([&](store::Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(EndAttempt(tx, key.fence, reason, context_.parts.clock->NowMicros()));
    ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, key.job));
    if (exit.cancelled) return CancelAttempt(tx, context_, row, key, reason);
    if (!CheckCurrent(row, key).ok()) return absl::OkStatus();
    if (exit.blameless) return YieldAttempt(tx, context_, row, reason);
    if (!last_words.empty()) {
      v1::Event event;
      event.mutable_log_line()->set_level(v1::LogLine::ERROR);
      event.mutable_log_line()->set_text(last_words);
      RETURN_IF_ERROR(
          context_.parts.events->Append(tx, key.job, key.attempt, std::span(&event, 1)));
    }
    FAILPOINT("jobs.exit.before_commit");
    return LoseAttempt(tx, context_, row, reason, stopping);
  });
  FAILPOINT("jobs.exit.after_commit");
  if (!status.ok())
    base::LogError("a rank's end could not be stored", {{"job", key.job}, {"status", status}});
  Refresh(key.job);
}

std::string Driver::LastWords(const Rank& rank) const {
  const auto file = context_.parts.files->OpenRead(
      base::JoinPath(WorkDirOf(context_, rank.key, rank.member), "log"));
  if (!file.ok()) return "";
  const absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return "";
  std::string text(std::min(*size, kLastWordsBytes), '\0');
  const absl::StatusOr<size_t> count =
      (*file)->ReadAt(*size - text.size(), std::as_writable_bytes(std::span<char>(text)));
  if (!count.ok()) return "";
  text.resize(*count);
  // Text fields hold UTF-8: whatever else the process wrote is shown as question marks.
  for (char& c : text) {
    if ((c < ' ' && c != '\n' && c != '\t') || c > '~') c = '?';
  }
  return text;
}

void Driver::RemoveFolder(const std::string& path) const {
  const absl::Status removed = base::RemoveTree(*context_.parts.files, path);
  if (!removed.ok())
    base::LogWarning("an attempt's folder was not removed",
                     {{"folder", path}, {"status", removed}});
}

void Driver::BeginDrain() {
  FAILPOINT("jobs.drain.begin");
  if (!ends_ranks()) return;
  std::vector<std::string> jobs;
  for (const auto& [fence, rank] : ranks_) jobs.push_back(rank.key.job);
  for (const std::string& job : jobs) Refresh(job);
}

void Driver::Drain(int64_t deadline_micros) {
  // What is killed at the deadline is gone at once, but its end has to be stored.
  constexpr int64_t kLastExits = 2'000'000;
  const auto ended = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !busy_ && tasks_.empty() && (running_ == 0 || !context_.parts.executor->is_local());
  };
  {
    base::MutexLock lock(mu_);
    draining_ = true;
  }
  Post([this] { BeginDrain(); });
  bool all_ended = false;
  {
    base::MutexLock lock(mu_);
    all_ended = context_.parts.clock->WaitUntil(mu_, settled_, deadline_micros, ended);
  }
  if (!all_ended) {
    Post([this] {
      for (auto& [fence, rank] : ranks_) Kill(rank, "server stopped");
    });
    base::MutexLock lock(mu_);
    context_.parts.clock->WaitUntil(mu_, settled_, deadline_micros + kLastExits, ended);
  }
  FAILPOINT("jobs.drain.end");
}

}  // namespace gradus::jobs
