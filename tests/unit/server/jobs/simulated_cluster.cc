// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/server/jobs/simulated_cluster.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gradus::jobs {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMeet = 2 * kSecond;
constexpr int64_t kLeave = kSecond;
constexpr int64_t kReplaceAfter = kSecond;

std::vector<int> UpTo(int32_t cores) {
  std::vector<int> cpus(static_cast<size_t>(cores));
  std::iota(cpus.begin(), cpus.end(), 0);
  return cpus;
}

}  // namespace

SimulatedCluster::SimulatedCluster(const Options& options, const std::vector<ComingJob>& jobs)
    : options_(options),
      jobs_(jobs),
      machine_(UpTo(options.cores), options.memory),
      taken_(static_cast<size_t>(options.cores), false) {
  record_.waits.assign(jobs.size(), -1);
  for (size_t job = 0; job < jobs.size(); ++job) Plan(jobs[job].arrival, Kind::kArrival, job);
}

void SimulatedCluster::Plan(int64_t time, Kind kind, size_t job, int64_t version) {
  events_.push({time, ++planned_, kind, job, version});
}

SimulatedCluster::Record SimulatedCluster::Run() {
  while (!events_.empty()) {
    Elapse(events_.top().time);
    while (!events_.empty() && events_.top().time == now_) {
      const Event event = events_.top();
      events_.pop();
      Happen(event);
    }
    Pass();
  }
  record_.end = now_;
  record_.left_taken = std::ranges::count(taken_, true);
  return record_;
}

// Figures of the load are of the time in which jobs come: what follows is only the end.
void SimulatedCluster::Elapse(int64_t time) {
  const int64_t until = std::min(time, jobs_.back().arrival);
  const auto passed = static_cast<double>(std::max<int64_t>(0, until - now_));
  const double busy = passed * (options_.cores - machine_.free().cores);
  record_.busy += busy;
  record_.available += passed * options_.cores;
  if (queue_.size() > 0) {
    record_.busy_while_waiting += busy;
    record_.available_while_waiting += passed * options_.cores;
  }
  now_ = time;
}

void SimulatedCluster::Happen(const Event& event) {
  if (event.kind == Kind::kArrival) return queue_.Put(DemandOf(event.job));
  if (event.kind == Kind::kFreed) {
    const auto [job, cpus] = std::move(leaving_.front());
    leaving_.pop_front();
    coming_.cores -= DemandOf(job).cores;
    coming_.memory -= DemandOf(job).memory;
    return GivePlaces(job, {cpus});
  }
  const auto found = running_.find(event.job);
  if (found == running_.end()) return;
  Running& running = found->second;
  switch (event.kind) {
    case Kind::kMet:
      Progress(event.job, running);
      running.computes = true;
      return Progress(event.job, running);
    case Kind::kLoss:
      return Lose(event.job);
    case Kind::kEnd:
      if (event.version != running.version) return;
      GivePlaces(event.job, running.places);
      elastic_.erase(event.job);
      broken_.erase(event.job);
      running_.erase(found);
      ++record_.ended;
      return;
    default:
      return;  // the pass that follows replaces members
  }
}

// As Driver::Schedule.
void SimulatedCluster::Pass() {
  ++record_.passes;
  record_.most_waiting = std::max(record_.most_waiting, static_cast<int64_t>(queue_.size()));
  for (auto entry = broken_.begin(); entry != broken_.end();) {
    const auto [job, running] = *entry;
    if (now_ >= running->not_before) {
      while (HoldingOf(job, *running).missing > 0 && TakePlace(job, *running)) {
      }
      // It was reserved, so nobody can have taken it.
      if (HoldingOf(job, *running).missing > 0) ++record_.not_replaced;
      entry = broken_.erase(entry);
    } else {
      ++entry;
    }
  }
  const int64_t looks = queue_.looks();
  int64_t starts = 1;
  const Supply reserved = Reserved(Holdings(broken_));
  while (const std::optional<Demand> next = queue_.Next(Less(machine_.free(), reserved), now_)) {
    CheckTurn(*next, *queue_.First());
    queue_.Remove(next->id);
    Start(*next, Less(machine_.free(), reserved));
    ++starts;
  }
  record_.most_looks = std::max(record_.most_looks, (queue_.looks() - looks) / starts);
  Shrink();
  Grow();
  const Demand* const first = queue_.First();
  const std::optional<std::string> head = first ? std::optional(first->id) : std::nullopt;
  if (head == head_) return;
  head_ = head;
  head_since_ = now_;
}

// The rule of the queue, told another way.
void SimulatedCluster::CheckTurn(const Demand& started, const Demand& first) {
  if (started.id == first.id) {
    if (head_ == first.id)
      record_.longest_at_head = std::max(record_.longest_at_head, now_ - head_since_);
    return;
  }
  const auto since = overtaken_.emplace(static_cast<size_t>(first.number - 1), now_).first->second;
  if (now_ - since >= Queue::kPatienceMicros) ++record_.overtaken_too_late;
}

void SimulatedCluster::Start(const Demand& demand, const Supply& free) {
  const auto job = static_cast<size_t>(demand.number - 1);
  record_.waits[job] = now_ - jobs_[job].arrival;
  Running& running = running_[job];
  running.left = static_cast<double>(jobs_[job].length) * demand.min_workers;
  running.since = now_;
  const bool alone = queue_.size() == 0;
  const int32_t workers = Room(demand, alone ? demand.max_workers : demand.min_workers, free);
  for (int32_t i = 0; i < workers; ++i) TakePlace(job, running);
  if (demand.max_workers > demand.min_workers) elastic_.emplace(job, &running);
  Plan(now_ + kMeet, Kind::kMet, job);
  // Every so many gangs one loses a member, half way.
  const auto every = static_cast<int64_t>(1 / options_.losses);
  if (demand.max_workers > 1 && demand.number % every == 0)
    Plan(now_ + kMeet + jobs_[job].length / 2, Kind::kLoss, job);
}

Holding SimulatedCluster::HoldingOf(size_t job, const Running& running) const {
  const Demand& demand = DemandOf(job);
  const auto workers = static_cast<int32_t>(running.places.size());
  return {.demand = &demand,
          .workers = workers,
          .missing = std::max(0, demand.min_workers - workers),
          .computes = running.computes};
}

std::vector<Holding> SimulatedCluster::Holdings(const std::map<size_t, Running*>& of) const {
  std::vector<Holding> holdings;
  for (const auto& [job, running] : of) holdings.push_back(HoldingOf(job, *running));
  return holdings;
}

void SimulatedCluster::Lose(size_t job) {
  Running& running = running_.at(job);
  if (running.places.size() < 2) return;
  Progress(job, running);
  GivePlaces(job, {running.places.back()});
  running.places.pop_back();
  Progress(job, running);
  running.not_before = now_ + kReplaceAfter;
  broken_.emplace(job, &running);
  Plan(running.not_before, Kind::kReplace, job);
  ++record_.lost;
}

void SimulatedCluster::Shrink() {
  const Demand* const first = queue_.First();
  if (first == nullptr) return;
  Supply coming = Less(machine_.free(), Reserved(Holdings(broken_)));
  coming.cores += coming_.cores;
  coming.memory += coming_.memory;
  const std::vector<int32_t> given = PlacesToGive(*first, coming, Holdings(elastic_));
  size_t i = 0;
  for (const auto& [job, running] : elastic_) {
    const int32_t count = given[i++];
    if (count == 0) continue;
    Progress(job, *running);
    for (int32_t left = count; left > 0; --left) {
      leaving_.emplace_back(job, std::move(running->places.back()));
      running->places.pop_back();
      coming_.cores += DemandOf(job).cores;
      coming_.memory += DemandOf(job).memory;
      Plan(now_ + kLeave, Kind::kFreed, job);
    }
    if (HoldingOf(job, *running).missing > 0) ++record_.too_small;
    record_.given += count;
    Progress(job, *running);
  }
}

void SimulatedCluster::Grow() {
  if (queue_.size() > 0) return;
  const Supply reserved = Reserved(Holdings(broken_));
  for (const auto& [job, running] : elastic_) {
    if (!running->computes || now_ < running->not_before) continue;
    const Demand& demand = DemandOf(job);
    const int32_t missing = demand.max_workers - static_cast<int32_t>(running->places.size());
    const int32_t more = Room(demand, missing, Less(machine_.free(), reserved));
    if (more == 0) continue;
    Progress(job, *running);
    for (int32_t i = 0; i < more; ++i) TakePlace(job, *running);
    record_.grown += more;
    Progress(job, *running);
  }
}

bool SimulatedCluster::TakePlace(size_t job, Running& running) {
  const auto cpus = machine_.Take(DemandOf(job).cores, DemandOf(job).memory);
  if (!cpus.has_value()) return false;
  Progress(job, running);
  for (const int cpu : *cpus) {
    if (taken_[static_cast<size_t>(cpu)]) ++record_.doubled;
    taken_[static_cast<size_t>(cpu)] = true;
  }
  running.places.push_back(*cpus);
  Progress(job, running);
  return true;
}

void SimulatedCluster::GivePlaces(size_t job, const std::vector<std::vector<int>>& places) {
  for (const std::vector<int>& cpus : places) {
    for (const int cpu : cpus) taken_[static_cast<size_t>(cpu)] = false;
    machine_.Give(cpus, DemandOf(job).memory);
  }
}

// Counts what has been done since the last time, and plans the end anew: called before and after
// what changes a job's speed.
void SimulatedCluster::Progress(size_t job, Running& running) {
  const auto workers = static_cast<int32_t>(running.places.size());
  const bool works = running.computes && workers >= DemandOf(job).min_workers;
  if (works) running.left -= static_cast<double>(now_ - running.since) * workers;
  running.since = now_;
  ++running.version;
  if (!works) return;
  const auto rest = static_cast<int64_t>(std::ceil(std::max(0.0, running.left) / workers));
  Plan(now_ + rest, Kind::kEnd, job, running.version);
}

}  // namespace gradus::jobs
