// SPDX-License-Identifier: Apache-2.0
// The thread that acts on jobs: starts ranks, tells them to stop, keeps deadlines, takes note of
// exits.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/mutex.h"
#include "server/events/cancellable.h"
#include "server/jobs/attempts.h"
#include "server/jobs/context.h"
#include "server/jobs/machine.h"
#include "server/jobs/meetings.h"
#include "server/jobs/notes.h"
#include "server/jobs/places.h"
#include "server/jobs/queue.h"

namespace gradus::jobs {

// Where commands and meetings for one stream of a rank go; a word that says nothing ends the
// stream.
using WordSink = events::Cancellable<const v1::AttachResponse&>;

// The newest heartbeat of one stream, until the driver has looked at it: however many come, one
// note waits.
struct Pulse {
  base::Mutex mu;
  v1::Heartbeat newest ABSL_GUARDED_BY(mu);
  bool waits ABSL_GUARDED_BY(mu) = false;
};

// The store is the truth: whoever commits a change says so with JobChanged, and the driver reads
// the job again and does what its state asks for. A lost or doubled note does no harm, and a
// restart is the same procedure for every job.
//   Owns     its thread and what it knows of the machine. `context` must outlive it.
//   Threads  public members: any. Private ones: the driver's own, and Recover's before it runs; no
//   lock is held over SQL, executor or callbacks.
class Driver {
 public:
  explicit Driver(const Context* context);
  ~Driver();

  // Takes up what an earlier process left, then starts the thread.
  absl::Status Start();
  // Ends the thread; nothing is done any more. Ranks live on. Not from the thread itself; the
  // destructor does it too.
  void Stop();
  // After Stop: has every rank's stream ended, and those that still come, so that ranks attach
  // where somebody listens to them.
  void SendRanksAway();

  void JobChanged(const std::string& id);
  // `generation`: of the newest meeting that the rank knows.
  void Attached(const executors::RankKey& key, int64_t generation, std::shared_ptr<WordSink> sink);
  void Detached(const executors::RankKey& key, std::shared_ptr<WordSink> sink);
  void Heard(const executors::RankKey& key, const v1::Heartbeat& heartbeat,
             const std::shared_ptr<Pulse>& pulse);
  Notes& notes() { return notes_; }

  void Drain(int64_t deadline_micros);
  bool WaitIdle(int64_t deadline_micros);
  // Returns when everything that was asked for before this call, or due by then, has been acted on.
  void Settle();
  bool draining() const;
  // Whether ranks end with this server. Those in a queue of the executor's own would have to wait
  // there once more: they go on without it, and find the next one.
  bool ends_ranks() const { return draining() && context_.parts.executor->is_local(); }
  // What is free of the machine.
  Supply free() const;
  Supply total() const { return total_; }

 private:
  // A process that runs, or is being started, and holds cores and memory until its exit is told.
  struct Rank {
    executors::RankKey key;
    int32_t member = 0;
    std::vector<int> cpus;
    int64_t memory = 0;
    std::shared_ptr<WordSink> sink;  // null without a stream
    v1::Command::Action wanted = v1::Command::ACTION_UNSPECIFIED;
    v1::Command::Action sent = v1::Command::ACTION_UNSPECIFIED;  // on this stream
    // Deadlines, monotonic micros; 0 for none.
    int64_t attach_by = 0;
    bool waited = false;  // when its executor was asked last
    int64_t stop_by = 0;
    int64_t time_up = 0;
    bool killed = false;
    std::string kill_reason;
  };

  // The ranks of a job that may have several, as long as its attempt goes on.
  struct Group {
    executors::RankKey leader;
    Demand demand;
    Meetings meetings;
    std::map<int, int64_t> fences;  // of its members, the leader's too
    std::string secret;             // of the newest meeting
    bool said_to_wait = false;
    int losses = 0;          // since a checkpoint
    int64_t checkpoint = 0;  // the newest when the last one was lost
    int64_t not_before = 0;  // monotonic micros: no further member before
  };

  // A job as last read from the store.
  struct Glance {
    v1::Job::State state = v1::Job::STATE_UNSPECIFIED;
    Demand demand;
    int64_t fence = 0;
    int32_t attempt = 0;  // that one's
    int64_t not_before = 0;
    int64_t time_up = 0;
    bool finished = false;  // the current attempt's last word is stored
  };

  // driver.cc: the loop and the queue.
  void Post(std::function<void()> task);
  void Run();
  int64_t NextDeadline() const;
  void Publish(size_t done);
  absl::StatusOr<Glance> Look(const std::string& id) const;
  void Refresh(const std::string& id);
  void Enqueue(const Glance& glance);
  void Schedule();
  void StartJob(const Demand& demand, const std::vector<std::vector<int>>& cpus);
  std::vector<std::vector<int>> TakeForStart(const Demand& demand, const Supply& free);

  // driver_ranks.cc: running ranks.
  void Steer(Rank& rank, const Glance& glance);
  void Want(Rank& rank, v1::Command::Action action, int64_t grace_micros);
  void Tell(Rank& rank);
  void Kill(Rank& rank, const std::string& reason);
  void CheckDeadlines();
  void CheckDeadlines(Rank& rank, int64_t now);
  void TimeOut(Rank& rank);
  void Replace(Rank& rank, const std::string& reason);
  void Exited(const executors::RankExit& exit);
  void EndRank(const executors::RankExit& exit, bool stopping, const std::string& last_words);
  std::string LastWords(const Rank& rank) const;
  void RemoveFolder(const std::string& path) const;
  void BeginDrain();

  // driver_groups.cc: ranks that compute together.
  Group& AddGroup(const executors::RankKey& leader, const Demand& demand, bool found);
  Group* GroupOf(const Rank& rank);
  Group* GroupOfJob(const std::string& job);
  void EndGroup(const executors::RankKey& leader);
  void SteerGroup(const std::string& job, const Glance& glance);
  void SteerMember(Rank& rank, const Glance& glance);
  void Convene();
  void Convene(Group& group);
  void Call(Group& group, const std::vector<int>& members);
  void TellMeeting(const Group& group, int member);
  void MemberExited(const Rank& rank, const executors::RankExit& exit);
  void MemberLost(Group& group, const executors::RankKey& key, int member,
                  const std::string& reason, const std::string& last_words);
  void EndMember(const executors::RankKey& key, const std::string& ending);
  std::vector<Holding> Holdings() const;
  Supply Reserved() const;
  void ReplaceMembers(int64_t now);
  void GrowGroups(int64_t now);
  void ShrinkGroups();
  void GivePlace(Group& group, int member);
  bool AddMember(Group& group);

  // recovery.cc
  absl::Status Recover();
  absl::Status RemoveLeftFolders() const;
  void Adopt(const AttemptRow& attempt, const JobRow& job, const executors::FoundRank& found);
  bool Recall(const AttemptRow& attempt, const JobRow& job);
  void EndStrangers(const std::map<int64_t, executors::FoundRank>& found);

  const Context& context_;
  std::thread thread_;

  // The driver's own.
  Machine machine_;
  const Supply total_;
  Queue queue_;
  std::set<std::pair<int64_t, std::string>> delayed_;  // (not_before, job)
  std::map<int64_t, Rank> ranks_;                      // by fence
  std::map<std::string, Group> groups_;                // by job
  int64_t scheduled_at_ = 0;                           // monotonic micros

  Notes notes_;

  mutable base::Mutex mu_;
  base::CondVar posted_;
  base::CondVar settled_;
  std::vector<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  size_t asked_ ABSL_GUARDED_BY(mu_) = 0;  // tasks ever posted
  size_t done_ ABSL_GUARDED_BY(mu_) = 0;   // and acted on
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::set<std::shared_ptr<WordSink>> sinks_ ABSL_GUARDED_BY(mu_);  // of all open streams
  bool busy_ ABSL_GUARDED_BY(mu_) = true;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  size_t running_ ABSL_GUARDED_BY(mu_) = 0;    // ranks
  bool waiting_ ABSL_GUARDED_BY(mu_) = false;  // a job waits for its retry
  Supply free_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::jobs
