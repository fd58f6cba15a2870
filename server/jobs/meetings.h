// SPDX-License-Identifier: Apache-2.0
// Which ranks of an attempt compute together: a state machine without clock, thread or store.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gradus/v1/worker_service.pb.h"

namespace gradus::jobs {

struct MeetingRules {
  int fewest = 1;  // ranks that may compute together, the leader counted
  // After so much silence a rank is lost; also what is given to the culprit of a broken meeting to
  // show.
  int64_t silence_micros = 5'000'000;
};

// The ranks of one attempt, by their member numbers (0: the leader), and their meetings. A meeting
// is called when all ranks of the start are attached, again when one of it is lost, when another
// one is ready to join, and when a rank says that it is broken: at first with the same ranks; where
// that breaks, too, without one of them. All times are monotonic micros; 0 stands for none.
//   Threads  one (the driver's).
class Meetings {
 public:
  // `found`: by a server that has just started. Then the newest meeting that ranks tell of goes on
  // where all of them come back and nothing is broken.
  Meetings(const MeetingRules& rules, bool found) : rules_(rules), recovering_(found) {}

  // What happens. A rank that is not expected, or lost, is not known.
  // A rank has been asked for; it is lost unless it attaches by `attach_by`.
  void Expect(int member, int64_t attach_by);
  // Its stream is up. `generation`: of the newest meeting that it knows. Returns whether the newest
  // one has to be told to it (again).
  bool Attached(int member, int64_t generation, int64_t now);
  void Detached(int member, int64_t now);
  void Heard(int member, const v1::Heartbeat& heartbeat, int64_t now);
  // Its process has ended. `done`: by its own will, as ranks do whose run is over: nothing follows
  // from that unless another one misses it.
  void Gone(int member, bool done);
  // A rank ended while no server looked.
  void EndedUnseen() { changed_ = true; }
  // The run is to end: whoever is left may save it, and nobody else is waited for.
  void Stop() { stopping_ = true; }

  struct Lost {
    int member = 0;
    std::string reason;  // continues "worker 2 ..."
  };
  struct Verdict {
    // Ranks that are given up with this; when the leader is one of them, so is the attempt.
    std::vector<Lost> lost;
    // The members of a meeting that begins with this, by their rank in it, the leader first. Empty:
    // no new one.
    std::vector<int> called;
  };
  // What follows from all that has happened by now.
  Verdict Look(int64_t now);
  // When to look again, if nothing happens before.
  int64_t next_look() const { return next_look_; }

  // Of the newest meeting; 0 before the first.
  int64_t generation() const { return generation_; }
  const std::vector<int>& members() const { return members_; }
  // Whether the newest meeting cannot go on and too few ranks are there for another one.
  bool waiting() const { return waiting_; }
  // The run is to end, or has ended.
  bool ending() const { return stopping_ || ending_; }
  int attached() const;
  int fewest() const { return stopping_ ? 1 : rules_.fewest; }
  // How many ranks have to be asked for until there are `wanted`.
  int Missing(int wanted) const;

 private:
  struct Peer {
    bool attached = false;
    int64_t since = 0;       // of its stream
    int64_t due = 0;         // lost from then on
    int64_t generation = 0;  // as it says itself
    bool broken = false;     // that one
    double waiting = 0;      // seconds, in that one
  };

  void GiveUpSilent(int64_t now, Verdict& verdict);
  void CloseRecovery();
  void JudgeBroken(int64_t now, Verdict& verdict);
  int Culprit() const;
  bool IsReady(const Peer& peer, int64_t now) const;
  bool SomebodyIsAway() const;
  std::vector<int> Candidates(int64_t now) const;
  bool MayCall(int64_t now);
  void Call(std::vector<int> members, int64_t now);
  void LookAgainAt(int64_t time, int64_t now);
  bool InMeeting(int member) const;

  MeetingRules rules_;
  std::map<int, Peer> peers_;
  int64_t generation_ = 0;
  std::vector<int> members_;
  int64_t called_at_ = 0;
  int64_t gather_by_ = 0;     // the first meeting is called without those who are late
  int64_t broken_since_ = 0;  // the newest meeting
  int repeats_ = 0;           // of meetings that broke soon, with the same ranks
  bool recovering_;
  bool changed_ = false;  // the newest meeting has lost a rank
  bool ending_ = false;   // ranks have begun to leave a run that is over
  bool stopping_ = false;
  bool waiting_ = false;
  int64_t next_look_ = 0;
};

}  // namespace gradus::jobs
