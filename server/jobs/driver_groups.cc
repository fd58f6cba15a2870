// SPDX-License-Identifier: Apache-2.0
// The driver's dealings with ranks that compute together: meetings, lost members, new ones.
#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/random.h"
#include "server/jobs/driver.h"
#include "server/jobs/members.h"
#include "server/jobs/starting.h"

namespace gradus::jobs {
namespace {

constexpr int kLeader = 0;
constexpr size_t kSecretBytes = 32;
constexpr int64_t kLongestDelay = 30'000'000;

void LogIfNotStored(const absl::Status& status, const executors::RankKey& key) {
  if (status.ok()) return;
  base::LogError("what became of a job's workers could not be stored",
                 {{"job", key.job}, {"status", status}});
}

}  // namespace

Driver::Group& Driver::AddGroup(const executors::RankKey& leader, const Demand& demand,
                                bool found) {
  const MeetingRules rules{.fewest = demand.min_workers,
                           .silence_micros = context_.options.silence_micros};
  return groups_
      .insert_or_assign(
          leader.job, Group{.leader = leader, .demand = demand, .meetings = Meetings(rules, found)})
      .first->second;
}

// Nothing for a rank that is lost, or whose attempt is over.
Driver::Group* Driver::GroupOf(const Rank& rank) {
  const auto group = groups_.find(rank.key.job);
  if (group == groups_.end()) return nullptr;
  const auto fence = group->second.fences.find(rank.member);
  const bool in_it = fence != group->second.fences.end() && fence->second == rank.key.fence;
  return in_it ? &group->second : nullptr;
}

Driver::Group* Driver::GroupOfJob(const std::string& job) {
  const auto found = groups_.find(job);
  return found == groups_.end() ? nullptr : &found->second;
}

void Driver::EndGroup(const executors::RankKey& leader) {
  const auto group = groups_.find(leader.job);
  if (group == groups_.end() || group->second.leader != leader) return;
  groups_.erase(group);
  notes_.Close(leader.job);
}

void Driver::SteerGroup(const std::string& job, const Glance& glance) {
  const auto found = groups_.find(job);
  if (found == groups_.end()) return;
  if (glance.fence != found->second.leader.fence || glance.finished) {
    EndGroup(executors::RankKey(found->second.leader));
  } else if (glance.state == v1::Job::PAUSING || glance.state == v1::Job::CANCELLING ||
             draining()) {
    found->second.meetings.Stop();
  }
}

// What the leader is told it tells the others: a member has only to go when the attempt is over,
// soon after a leader that has said its last word, at once when the leader is lost.
void Driver::SteerMember(Rank& rank, const Glance& glance) {
  const bool over = glance.fence == 0 || glance.attempt != rank.key.attempt || glance.finished;
  if (!over) return;
  const auto leader = std::ranges::find_if(ranks_, [&](const auto& entry) {
    const Rank& other = entry.second;
    return other.member == kLeader && other.key.job == rank.key.job &&
           other.key.attempt == rank.key.attempt;
  });
  const bool leaving = leader != ranks_.end()
                           ? !leader->second.killed
                           : rank.stop_by != 0 && glance.state != v1::Job::PAUSED;
  if (!leaving) return Kill(rank, "its job's attempt was over");
  if (rank.stop_by == 0) {
    rank.stop_by = context_.parts.clock->MonotonicMicros() + context_.options.exit_grace_micros;
  }
}

void Driver::Convene() {
  // A group that ends takes itself out of the table.
  std::vector<std::string> jobs;
  for (const auto& [job, group] : groups_) jobs.push_back(job);
  for (const std::string& job : jobs) Convene(groups_.at(job));
}

void Driver::Convene(Group& group) {
  const executors::RankKey leader = group.leader;
  const Meetings::Verdict verdict = group.meetings.Look(context_.parts.clock->MonotonicMicros());
  for (const auto& [member, reason] : verdict.lost) {
    Rank& rank = ranks_.at(group.fences.at(member));
    if (member == kLeader) return Replace(rank, reason);
    if (rank.sink != nullptr) std::exchange(rank.sink, nullptr)->Cancel();
    Kill(rank, reason);
    MemberLost(group, rank.key, member, reason, "");
    if (!groups_.contains(leader.job)) return;
  }
  if (!verdict.called.empty()) return Call(group, verdict.called);
  if (group.meetings.waiting() && !std::exchange(group.said_to_wait, true)) {
    LogIfNotStored(
        StoreWaiting(context_, leader, group.meetings.attached(), group.meetings.fewest()), leader);
  }
}

void Driver::Call(Group& group, const std::vector<int>& members) {
  group.secret.assign(kSecretBytes, '\0');
  context_.parts.random->Fill(std::as_writable_bytes(std::span<char>(group.secret)));
  std::set<int64_t> fences;
  for (const int member : members) fences.insert(group.fences.at(member));
  notes_.Open(group.leader.job, group.meetings.generation(), std::move(fences));
  for (const int member : members) TellMeeting(group, member);
  group.said_to_wait = false;
  LogIfNotStored(StoreMeeting(context_, group.leader, static_cast<int>(members.size())),
                 group.leader);
}

void Driver::TellMeeting(const Group& group, int member) {
  const std::shared_ptr<WordSink>& sink = ranks_.at(group.fences.at(member)).sink;
  if (sink == nullptr) return;
  const std::vector<int>& members = group.meetings.members();
  v1::AttachResponse word;
  v1::Meeting& meeting = *word.mutable_meeting();
  meeting.set_generation(group.meetings.generation());
  meeting.set_rank(static_cast<int32_t>(std::ranges::find(members, member) - members.begin()));
  meeting.set_size(static_cast<int32_t>(members.size()));
  meeting.set_secret(group.secret);
  sink->Call(word);
}

void Driver::EndMember(const executors::RankKey& key, const std::string& ending) {
  LogIfNotStored(StoreMemberEnd(context_, key, ending), key);
}

void Driver::MemberExited(const Rank& rank, const executors::RankExit& exit) {
  Group* const group = GroupOf(rank);
  if (group == nullptr) return EndMember(rank.key, rank.killed ? rank.kill_reason : exit.reason);
  // Of one whose end nobody saw the others tell if they miss it.
  const bool done = exit.clean || !exit.known;
  group->meetings.Gone(rank.member, done);
  if (!done) {
    MemberLost(*group, rank.key, rank.member, exit.reason, LastWords(rank));
    // Whoever takes workers away has not to be asked again at once.
    if ((exit.cancelled || exit.blameless) && GroupOfJob(rank.key.job) == group)
      group->not_before = context_.parts.clock->MonotonicMicros() + kLongestDelay;
    return;
  }
  group->fences.erase(rank.member);
  group->not_before = context_.parts.clock->MonotonicMicros() + context_.options.retry_delay_micros;
  EndMember(rank.key, exit.reason);
}

// The meetings know of it already. Too many losses, and nothing to show for them, end the attempt.
void Driver::MemberLost(Group& group, const executors::RankKey& key, int member,
                        const std::string& reason, const std::string& last_words) {
  group.fences.erase(member);
  const absl::StatusOr<int64_t> checkpoint = StoreLoss(context_, group.leader,
                                                       {.key = key,
                                                        .member = member,
                                                        .reason = reason,
                                                        .last_words = last_words,
                                                        .left = group.meetings.attached(),
                                                        .fewest = group.meetings.fewest()});
  LogIfNotStored(checkpoint.status(), key);
  if (checkpoint.ok() && *checkpoint > group.checkpoint) {
    group.checkpoint = *checkpoint;
    group.losses = 0;
  }
  // One that came on top and never computed costs the run nothing.
  const std::vector<int>& meeting = group.meetings.members();
  const bool counts = std::ranges::find(meeting, member) != meeting.end() ||
                      group.meetings.attached() < group.meetings.fewest();
  if (counts) ++group.losses;
  const int64_t delay = context_.options.retry_delay_micros << std::clamp(group.losses - 1, 0, 20);
  group.not_before = context_.parts.clock->MonotonicMicros() + std::min(delay, kLongestDelay);
  if (group.losses <= context_.options.max_attempts) return;
  Replace(
      ranks_.at(group.leader.fence),
      absl::StrCat("lost other workers ", group.losses,
                   " times without a new checkpoint, the last time worker ", member, ": ", reason));
}

std::vector<Holding> Driver::Holdings() const {
  std::vector<Holding> holdings;
  for (const auto& [job, group] : groups_) {
    holdings.push_back({.demand = &group.demand,
                        .workers = static_cast<int32_t>(group.fences.size()),
                        .missing = group.meetings.Missing(group.demand.min_workers),
                        .computes = group.meetings.generation() > 0 && !group.meetings.ending()});
  }
  return holdings;
}

// For members that have to be replaced. Where an executor has a queue of its own, the machine is
// not ours to share out.
Supply Driver::Reserved() const {
  return context_.parts.executor->is_local() ? jobs::Reserved(Holdings()) : Supply();
}

void Driver::ReplaceMembers(int64_t now) {
  for (auto& [job, group] : groups_) {
    while (now >= group.not_before && group.meetings.Missing(group.demand.min_workers) > 0) {
      if (!AddMember(group)) break;
    }
  }
}

// Once they compute, jobs take what nobody waits for.
void Driver::GrowGroups(int64_t now) {
  if (queue_.size() > 0) return;
  const Supply reserved = Reserved();
  for (auto& [job, group] : groups_) {
    if (now < group.not_before || group.meetings.generation() == 0) continue;
    const int32_t missing = group.meetings.Missing(group.demand.max_workers);
    const int32_t more = Room(group.demand, missing, Less(machine_.free(), reserved));
    for (int32_t i = 0; i < more; ++i) {
      if (!AddMember(group)) break;
    }
  }
}

// What jobs have beyond their fewest workers goes to the first one that waits.
void Driver::ShrinkGroups() {
  const Demand* const first = queue_.First();
  if (first == nullptr || !context_.parts.executor->is_local()) return;
  const std::vector<Holding> holdings = Holdings();
  Supply coming = Less(machine_.free(), jobs::Reserved(holdings));
  for (const auto& [fence, rank] : ranks_) {
    if (!rank.killed) continue;
    coming.cores += static_cast<int32_t>(rank.cpus.size());
    coming.memory += rank.memory;
  }
  const std::vector<int32_t> given = PlacesToGive(*first, coming, holdings);
  size_t i = 0;
  for (auto& [job, group] : groups_) {
    // The members that came last go first.
    for (int32_t left = given[i++]; left > 0; --left)
      GivePlace(group, group.fences.rbegin()->first);
  }
}

void Driver::GivePlace(Group& group, int member) {
  Rank& rank = ranks_.at(group.fences.at(member));
  if (rank.sink != nullptr) std::exchange(rank.sink, nullptr)->Cancel();
  Kill(rank, "made room for a job that waits");
  group.meetings.Gone(member, false);
  group.fences.erase(member);
  LogIfNotStored(StorePlaceGiven(context_, group.leader, rank.key, member), rank.key);
}

bool Driver::AddMember(Group& group) {
  const Demand& demand = group.demand;
  const int64_t now = context_.parts.clock->MonotonicMicros();
  const std::optional<std::vector<int>> cpus = machine_.Take(demand.cores, demand.memory);
  if (!cpus.has_value()) return false;
  const absl::StatusOr<std::optional<executors::RankSpec>> spec =
      BeginMember(context_, group.leader, *cpus);
  if (!spec.ok() || !spec->has_value()) {
    machine_.Give(*cpus, demand.memory);
    LogIfNotStored(spec.status(), group.leader);
    group.not_before = now + kLongestDelay;
    return false;
  }
  const executors::RankKey& key = (*spec)->key;
  const int32_t member = (*spec)->config.member();
  const bool waits = !context_.parts.executor->is_local();
  const absl::Status started = StartRanks(context_, std::span(&**spec, 1));
  if (!started.ok()) {
    base::LogError("a rank could not be started", {{"job", key.job}, {"status", started}});
    EndMember(key, absl::StrCat("could not be started: ", started.message()));
    machine_.Give(*cpus, demand.memory);
    RemoveFolder((*spec)->config.work_dir());
    group.not_before = now + kLongestDelay;
    return false;
  }
  ranks_.emplace(key.fence,
                 Rank{.key = key, .member = member, .cpus = *cpus, .memory = demand.memory});
  group.fences[member] = key.fence;
  group.meetings.Expect(member, waits ? 0 : now + context_.options.worker_grace_micros);
  return true;
}

}  // namespace gradus::jobs
