// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/driver.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/members.h"
#include "server/jobs/starting.h"

namespace gradus::jobs {
namespace {

constexpr int64_t kLongestWait = int64_t{3600} * 1'000'000;
constexpr int64_t kTryAgain = 1'000'000;
// A retry's delay is never longer; a time read from the store may be from before a reboot.
constexpr int64_t kLongestDelay = 30'000'000;

}  // namespace

Driver::Driver(const Context* context)
    : context_(*context),
      machine_(context->parts.executor->is_local()
                   ? Machine(context->options.cpus, context->options.memory_bytes)
                   : Machine()),
      total_(machine_.free()) {}

Driver::~Driver() { Stop(); }

void Driver::Stop() {
  {
    base::MutexLock lock(mu_);
    if (stop_) return;
  }
  // No exit is told any more once this returns.
  context_.parts.executor->OnExit(nullptr);
  {
    base::MutexLock lock(mu_);
    stop_ = true;
    posted_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status Driver::Start() {
  context_.parts.executor->OnExit(
      [this](const executors::RankExit& exit) { Post([this, exit] { Exited(exit); }); });
  RETURN_IF_ERROR(Recover());
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void Driver::JobChanged(const std::string& id) {
  Post([this, id] { Refresh(id); });
}

bool Driver::draining() const {
  base::MutexLock lock(mu_);
  return draining_;
}

Supply Driver::free() const {
  base::MutexLock lock(mu_);
  return free_;
}

void Driver::Post(std::function<void()> task) {
  base::MutexLock lock(mu_);
  tasks_.push_back(std::move(task));
  ++asked_;
  posted_.Signal();
}

void Driver::Run() {
  while (true) {
    std::vector<std::function<void()>> tasks;
    const int64_t deadline = NextDeadline();
    {
      base::MutexLock lock(mu_);
      context_.parts.clock->WaitUntil(
          mu_, posted_, deadline,
          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stop_ || !tasks_.empty(); });
      if (stop_) return;
      tasks.swap(tasks_);
      busy_ = true;
    }
    for (const auto& task : tasks) task();
    CheckDeadlines();
    Convene();
    Schedule();
    Publish(tasks.size());
  }
}

int64_t Driver::NextDeadline() const {
  int64_t next = context_.parts.clock->MonotonicMicros() + kLongestWait;
  if (!delayed_.empty()) next = std::min(next, delayed_.begin()->first);
  for (const auto& [fence, rank] : ranks_) {
    for (const int64_t deadline : {rank.attach_by, rank.stop_by, rank.time_up}) {
      if (deadline != 0) next = std::min(next, deadline);
    }
  }
  for (const auto& [job, group] : groups_) {
    if (group.meetings.next_look() != 0) next = std::min(next, group.meetings.next_look());
    // What has come due since is not missed, and what was looked at does not wake it again.
    if (group.not_before > scheduled_at_) next = std::min(next, group.not_before);
  }
  return next;
}

void Driver::Publish(size_t done) {
  base::MutexLock lock(mu_);
  done_ += done;
  free_ = machine_.free();
  running_ = ranks_.size();
  waiting_ = !delayed_.empty();
  busy_ = false;
  settled_.SignalAll();
}

absl::StatusOr<Driver::Glance> Driver::Look(const std::string& id) const {
  Glance glance;
  RETURN_IF_ERROR(context_.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(
        auto row,
        (tx.QueryOne<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                     int64_t, int64_t, int64_t, int64_t, int64_t, int64_t>(
            "SELECT j.state, j.priority, j.number, j.cores, j.memory, j.fence, j.not_before,"
            " j.time_limit, j.ran_micros, j.running_since, COALESCE(a.finished, 0),"
            " COALESCE(a.attempt, 0), j.min_workers, j.max_workers FROM jobs j"
            " LEFT JOIN attempts a ON a.fence = j.fence WHERE j.id = :id",
            id)));
    if (!row.has_value()) return absl::NotFoundError(id);
    const auto& [state, priority, number, cores, memory, fence, not_before, limit, ran, since,
                 finished, attempt, min_workers, max_workers] = *row;
    glance.state = static_cast<v1::Job::State>(state);
    glance.demand = {id,
                     static_cast<int32_t>(priority),
                     number,
                     static_cast<int32_t>(cores),
                     memory,
                     static_cast<int32_t>(min_workers),
                     static_cast<int32_t>(max_workers)};
    glance.fence = fence;
    glance.attempt = static_cast<int32_t>(attempt);
    glance.not_before = not_before;
    if (limit > 0 && since > 0) glance.time_up = std::max<int64_t>(1, since + limit - ran);
    glance.finished = finished != 0;
    return absl::OkStatus();
  }));
  return glance;
}

void Driver::Refresh(const std::string& id) {
  const absl::StatusOr<Glance> glance = Look(id);
  if (!glance.ok()) {
    base::LogError("a job could not be read", {{"job", id}, {"status", glance.status()}});
    return;
  }
  queue_.Remove(id);
  std::erase_if(delayed_, [&](const auto& entry) { return entry.second == id; });
  if (glance->state == v1::Job::QUEUED) Enqueue(*glance);
  SteerGroup(id, *glance);
  for (auto& [fence, rank] : ranks_) {
    if (rank.key.job != id) continue;
    rank.member == 0 ? Steer(rank, *glance) : SteerMember(rank, *glance);
  }
}

void Driver::Enqueue(const Glance& glance) {
  const Demand& demand = glance.demand;
  // What can never fit must not hold up what can.
  if (!Fits(demand, demand.min_workers, total_)) return;
  const int64_t now = context_.parts.clock->MonotonicMicros();
  if (glance.not_before > now) {
    delayed_.emplace(std::min(glance.not_before, now + kLongestDelay), demand.id);
  } else {
    queue_.Put(demand);
  }
}

void Driver::Schedule() {
  const int64_t now = scheduled_at_ = context_.parts.clock->MonotonicMicros();
  if (draining()) return;
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    const std::string id = delayed_.extract(delayed_.begin()).value().second;
    const absl::StatusOr<Glance> glance = Look(id);
    if (glance.ok() && glance->state == v1::Job::QUEUED) queue_.Put(glance->demand);
  }
  ReplaceMembers(now);
  // The same after each start: whoever starts has its fewest workers.
  const Supply reserved = Reserved();
  while (const std::optional<Demand> next = queue_.Next(Less(machine_.free(), reserved), now)) {
    queue_.Remove(next->id);
    StartJob(*next, TakeForStart(*next, Less(machine_.free(), reserved)));
  }
  ShrinkGroups();
  GrowGroups(now);
}

// Cores for the fewest workers; for more where nobody else waits for them. Where an executor has a
// queue of its own, the others come one by one.
std::vector<std::vector<int>> Driver::TakeForStart(const Demand& demand, const Supply& free) {
  const bool all = queue_.size() == 0 && context_.parts.executor->is_local();
  const int32_t workers = Room(demand, all ? demand.max_workers : demand.min_workers, free);
  std::vector<std::vector<int>> cpus;
  while (static_cast<int32_t>(cpus.size()) < workers) {
    std::optional<std::vector<int>> taken = machine_.Take(demand.cores, demand.memory);
    if (!taken.has_value()) break;
    cpus.push_back(*std::move(taken));
  }
  return cpus;
}

void Driver::StartJob(const Demand& demand, const std::vector<std::vector<int>>& cpus) {
  const auto give_back = [&] {
    for (const std::vector<int>& taken : cpus) machine_.Give(taken, demand.memory);
  };
  const absl::StatusOr<std::vector<executors::RankSpec>> gang =
      BeginAttempt(context_, demand.id, cpus);
  if (!gang.ok() || gang->empty()) {
    give_back();
    if (gang.ok()) return;
    base::LogError("a job could not be started", {{"job", demand.id}, {"status", gang.status()}});
    delayed_.emplace(context_.parts.clock->MonotonicMicros() + kTryAgain, demand.id);
    return;
  }
  const executors::RankKey leader = gang->front().key;
  const int64_t now = context_.parts.clock->MonotonicMicros();
  const int64_t grace = context_.options.worker_grace_micros;
  Group* const group = demand.max_workers > 1 ? &AddGroup(leader, demand, false) : nullptr;
  for (size_t i = 0; i < gang->size(); ++i) {
    const executors::RankKey& key = (*gang)[i].key;
    const auto member = static_cast<int32_t>(i);
    ranks_.emplace(key.fence, Rank{.key = key,
                                   .member = member,
                                   .cpus = cpus[i],
                                   .memory = demand.memory,
                                   .attach_by = group == nullptr ? now + grace : 0});
    if (group == nullptr) continue;
    group->fences[member] = key.fence;
    // One that waits in a queue of the executor's own waits for as long as that takes.
    group->meetings.Expect(member, context_.parts.executor->is_local() ? now + grace : 0);
  }
  const absl::Status started = StartRanks(context_, *gang);
  if (started.ok()) return;
  base::LogError("a rank could not be started", {{"job", leader.job}, {"status", started}});
  const std::string reason = absl::StrCat("could not be started: ", started.message());
  EndGroup(leader);
  give_back();
  for (const executors::RankSpec& spec : *gang) {
    const Rank rank = ranks_.extract(spec.key.fence).mapped();
    if (rank.member != 0) EndMember(rank.key, reason);
    RemoveFolder(spec.config.work_dir());
  }
  EndRank({.key = leader, .reason = reason}, false, "");
}

void Driver::Settle() {
  Post([] {});  // one more round: it also does what is due by the clock
  base::MutexLock lock(mu_);
  const size_t asked = asked_;
  settled_.Wait(mu_, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return done_ >= asked; });
}

bool Driver::WaitIdle(int64_t deadline_micros) {
  base::MutexLock lock(mu_);
  return context_.parts.clock->WaitUntil(
      mu_, settled_, deadline_micros, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return !busy_ && tasks_.empty() && running_ == 0 && !waiting_;
      });
}

}  // namespace gradus::jobs
