// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/meetings.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gradus::jobs {
namespace {

constexpr int kLeader = 0;
// No number that a rank makes up brings the count to its end.
constexpr int64_t kMostMeetings = int64_t{1} << 40;
// A deadline that is seen so late was slept over by this server: it cannot tell who was silent.
constexpr int64_t kSleptOver = 1'000'000;
// A rank that attached so long ago is ready to join, though it has not said so.
constexpr int64_t kLongPreparation = 10'000'000;
// One that attached later may still be reading its data: others that miss it do it no harm.
constexpr int64_t kLongestPreparation = 60'000'000;
// A meeting that broke after so long has been a good one.
constexpr int64_t kProven = 30'000'000;
// How often a meeting that breaks is called again with the same ranks.
constexpr int kMostRepeats = 1;

double Seconds(int64_t micros) { return static_cast<double>(micros) / 1e6; }

}  // namespace

void Meetings::Expect(int member, int64_t attach_by) {
  peers_[member] = Peer{.due = attach_by};
  LookAgainAt(attach_by, 0);
}

bool Meetings::Attached(int member, int64_t generation, int64_t now) {
  const auto found = peers_.find(member);
  if (found == peers_.end()) return false;
  Peer& peer = found->second;
  peer.attached = true;
  if (peer.since == 0) peer.since = now;
  peer.due = now + rules_.silence_micros;
  peer.generation = std::clamp<int64_t>(generation, 0, kMostMeetings);
  peer.broken = false;
  peer.waiting = 0;
  return !recovering_ && generation < generation_ && InMeeting(member);
}

void Meetings::Detached(int member, int64_t now) {
  const auto found = peers_.find(member);
  if (found == peers_.end() || !found->second.attached) return;
  found->second.attached = false;
  found->second.due = now + rules_.silence_micros;
}

void Meetings::Heard(int member, const v1::Heartbeat& heartbeat, int64_t now) {
  const auto found = peers_.find(member);
  if (found == peers_.end() || !found->second.attached) return;
  Peer& peer = found->second;
  peer.due = now + rules_.silence_micros;
  peer.generation = std::clamp<int64_t>(heartbeat.generation(), 0, kMostMeetings);
  peer.broken = heartbeat.broken();
  peer.waiting = heartbeat.waiting_seconds();
  if (!peer.broken || peer.generation != generation_ || !InMeeting(member)) return;
  if (broken_since_ == 0) broken_since_ = now;
  // Who left too early is missed.
  if (std::exchange(ending_, false)) changed_ = true;
}

void Meetings::Gone(int member, bool done) {
  if (peers_.erase(member) == 0) return;
  if (!InMeeting(member) && !recovering_) return;
  (done ? ending_ : changed_) = true;
}

int Meetings::attached() const {
  return static_cast<int>(
      std::ranges::count_if(peers_, [](const auto& peer) { return peer.second.attached; }));
}

int Meetings::Missing(int wanted) const {
  if (ending_ || stopping_ || recovering_) return 0;
  return std::max(0, wanted - static_cast<int>(peers_.size()));
}

bool Meetings::InMeeting(int member) const {
  return std::ranges::find(members_, member) != members_.end();
}

void Meetings::LookAgainAt(int64_t time, int64_t now) {
  if (time > now) next_look_ = next_look_ == 0 ? time : std::min(next_look_, time);
}

Meetings::Verdict Meetings::Look(int64_t now) {
  Verdict verdict;
  next_look_ = 0;
  GiveUpSilent(now, verdict);
  if (recovering_) CloseRecovery();
  if (!recovering_ && !ending_ && peers_.contains(kLeader)) {
    JudgeBroken(now, verdict);
    if (MayCall(now)) {
      std::vector<int> members = Candidates(now);
      waiting_ = static_cast<int>(members.size()) < fewest();
      if (!waiting_) {
        Call(members, now);
        verdict.called = std::move(members);
      }
    }
  }
  for (const auto& [member, peer] : peers_) LookAgainAt(peer.due, now);
  return verdict;
}

void Meetings::GiveUpSilent(int64_t now, Verdict& verdict) {
  for (auto entry = peers_.begin(); entry != peers_.end();) {
    Peer& peer = entry->second;
    if (peer.due == 0 || now < peer.due) {
      ++entry;
    } else if (now - peer.due > kSleptOver && peer.since != 0) {
      peer.due = now + rules_.silence_micros;
      ++entry;
    } else {
      verdict.lost.push_back(
          {entry->first, peer.since == 0 ? std::string("did not report in time")
                                         : absl::StrCat("was not heard of for ",
                                                        Seconds(rules_.silence_micros), " s")});
      changed_ = changed_ || recovering_ || InMeeting(entry->first);
      entry = peers_.erase(entry);
    }
  }
}

// Once all that were found are back: what their newest meeting is, and whether it goes on.
void Meetings::CloseRecovery() {
  for (const auto& [member, peer] : peers_) {
    if (!peer.attached) return;
  }
  recovering_ = false;
  for (const auto& [member, peer] : peers_) generation_ = std::max(generation_, peer.generation);
  if (generation_ == 0) {
    changed_ = false;  // no meeting was there to lose a rank
    return;
  }
  for (const auto& [member, peer] : peers_) {
    if (peer.generation != generation_) continue;
    members_.push_back(member);
    changed_ = changed_ || peer.broken;
  }
  changed_ = changed_ || !InMeeting(kLeader) || static_cast<int>(members_.size()) < fewest();
}

void Meetings::JudgeBroken(int64_t now, Verdict& verdict) {
  if (members_.empty() || changed_) return;
  bool all_know = true;
  bool all_wait = true;
  for (const int member : members_) {
    const auto found = peers_.find(member);
    const bool here = found != peers_.end() && found->second.generation == generation_;
    all_know = all_know && here && found->second.broken;
    all_wait = all_wait && here && found->second.waiting > Seconds(rules_.silence_micros);
  }
  if (broken_since_ == 0 && !all_wait) return;
  if (!all_know && !all_wait && now < broken_since_ + rules_.silence_micros) {
    LookAgainAt(broken_since_ + rules_.silence_micros, now);
    return;
  }
  // All of them live, and yet it does not go on.
  if (SomebodyIsAway()) return;
  changed_ = true;
  if (now - called_at_ > kProven) repeats_ = 0;
  const int culprit = Culprit();
  const bool prepares = now - peers_.at(culprit).since < kLongestPreparation;
  if (repeats_ < kMostRepeats || culprit == kLeader || prepares) {
    ++repeats_;
    return;
  }
  repeats_ = 0;
  peers_.erase(culprit);
  verdict.lost.push_back({culprit, "could not be reached by the others"});
}

// Of two that do not reach each other nobody knows which is at fault; the leader is worth more, and
// so is who has been there for longer.
int Meetings::Culprit() const {
  int culprit = kLeader;
  int highest = kLeader;
  for (const int member : members_) {
    const auto found = peers_.find(member);
    if (found == peers_.end()) continue;
    highest = std::max(highest, member);
    if (found->second.broken) culprit = std::max(culprit, member);
  }
  return culprit == kLeader ? highest : culprit;
}

bool Meetings::IsReady(const Peer& peer, int64_t now) const {
  return peer.attached && (peer.waiting > 0 || now >= peer.since + kLongPreparation);
}

bool Meetings::SomebodyIsAway() const {
  return std::ranges::any_of(members_, [this](int member) {
    const auto found = peers_.find(member);
    return found != peers_.end() && !found->second.attached;
  });
}

// Those of the meeting that are left, and those who are ready to join; at first all, since nobody
// is kept waiting by it.
std::vector<int> Meetings::Candidates(int64_t now) const {
  std::vector<int> chosen;
  for (const auto& [member, peer] : peers_) {
    const bool joins = generation_ == 0 || InMeeting(member) || IsReady(peer, now);
    if (peer.attached && joins) chosen.push_back(member);
  }
  return chosen;
}

bool Meetings::MayCall(int64_t now) {
  if (!peers_.at(kLeader).attached || SomebodyIsAway()) return false;
  if (generation_ == 0) {
    if (attached() < fewest()) return false;
    if (gather_by_ == 0) gather_by_ = now + rules_.silence_micros;
    LookAgainAt(gather_by_, now);
    return attached() == static_cast<int>(peers_.size()) || now >= gather_by_;
  }
  bool any = changed_;
  for (const auto& [member, peer] : peers_) {
    if (InMeeting(member) || !peer.attached) continue;
    any = any || IsReady(peer, now);
    LookAgainAt(peer.since + kLongPreparation, now);
  }
  return any;
}

void Meetings::Call(std::vector<int> members, int64_t now) {
  ++generation_;
  members_ = std::move(members);
  called_at_ = now;
  broken_since_ = 0;
  changed_ = false;
  gather_by_ = 0;
}

}  // namespace gradus::jobs
