// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/driver.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
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
      total_{static_cast<int32_t>(context->options.cpus.size()), context->options.memory_bytes},
      machine_(context->options.cpus, context->options.memory_bytes) {}

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
                     int64_t, int64_t, int64_t>(
            "SELECT j.state, j.priority, j.number, j.cores, j.memory, j.fence, j.not_before,"
            " j.time_limit, j.ran_micros, j.running_since, COALESCE(a.finished, 0) FROM jobs j"
            " LEFT JOIN attempts a ON a.fence = j.fence WHERE j.id = :id",
            id)));
    if (!row.has_value()) return absl::NotFoundError(id);
    const auto& [state, priority, number, cores, memory, fence, not_before, limit, ran, since,
                 finished] = *row;
    glance.state = static_cast<v1::Job::State>(state);
    glance.demand = {id, static_cast<int32_t>(priority), number, static_cast<int32_t>(cores),
                     memory};
    glance.fence = fence;
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
  for (auto& [fence, rank] : ranks_) {
    if (rank.key.job == id) Steer(rank, *glance);
  }
}

void Driver::Enqueue(const Glance& glance) {
  const Demand& demand = glance.demand;
  // What can never fit must not hold up what can.
  if (demand.cores > total_.cores || demand.memory > total_.memory) return;
  const int64_t now = context_.parts.clock->MonotonicMicros();
  if (glance.not_before > now) {
    delayed_.emplace(std::min(glance.not_before, now + kLongestDelay), demand.id);
  } else {
    queue_.Put(demand);
  }
}

void Driver::Schedule() {
  if (draining()) return;
  const int64_t now = context_.parts.clock->MonotonicMicros();
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    const std::string id = delayed_.extract(delayed_.begin()).value().second;
    const absl::StatusOr<Glance> glance = Look(id);
    if (glance.ok() && glance->state == v1::Job::QUEUED) queue_.Put(glance->demand);
  }
  while (const std::optional<Demand> next = queue_.Next(machine_.free(), now)) {
    queue_.Remove(next->id);
    const std::optional<std::vector<int>> cpus = machine_.Take(next->cores, next->memory);
    if (cpus.has_value()) StartJob(*next, *cpus);
  }
}

void Driver::StartJob(const Demand& demand, const std::vector<int>& cpus) {
  const absl::StatusOr<std::optional<executors::RankSpec>> spec =
      BeginAttempt(context_, demand.id, cpus);
  if (!spec.ok() || !spec->has_value()) {
    machine_.Give(cpus, demand.memory);
    if (spec.ok()) return;
    base::LogError("a job could not be started", {{"job", demand.id}, {"status", spec.status()}});
    delayed_.emplace(context_.parts.clock->MonotonicMicros() + kTryAgain, demand.id);
    return;
  }
  const executors::RankKey key = (*spec)->key;
  Rank rank;
  rank.key = key;
  rank.cpus = cpus;
  rank.memory = demand.memory;
  rank.attach_by = context_.parts.clock->MonotonicMicros() + context_.options.worker_grace_micros;
  ranks_.emplace(key.fence, std::move(rank));
  const absl::Status started = StartRank(context_, **spec);
  if (started.ok()) return;
  base::LogError("a rank could not be started", {{"job", key.job}, {"status", started}});
  ranks_.erase(key.fence);
  machine_.Give(cpus, demand.memory);
  EndRank({.key = key, .reason = absl::StrCat("could not be started: ", started.message())}, false,
          "");
  RemoveFolder(WorkDirOf(context_, key));
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
