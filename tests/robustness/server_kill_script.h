// SPDX-License-Identifier: Apache-2.0
// One script of a lab's day in which a server passes every failpoint that it has, and what must
// hold when it was killed somewhere on the way.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/server/gradusd.h"
#include "tests/robustness/persistent_client.h"
#include "tests/support/history.h"

namespace gradus::test {

struct KillOptions {
  // How it dies, as Gradusd::Await tells it: killed.
  int ending = -1;
  // Steps of "kept", 150 a second.
  int64_t steps = 60;
  // The first start is not armed: the server is killed while two jobs run, and armed then.
  bool at_restart = false;
  // Goes on with the script after the death instead of only ending what was begun.
  bool to_the_end = false;
  // Only the upload and "kept".
  bool only_kept = false;
};

// A dataset is uploaded and three jobs run on it: "kept" trains and is published, "long" loses its
// rank, is paused, resumed, drained by SIGTERM and cancelled, "limited" runs out of time.
//   Threads  one; it starts one of its own, which watches "kept".
class KillScript {
 public:
  explicit KillScript(const KillOptions& options);
  ~KillScript();

  const std::string& data_dir() const { return server_.dir(); }
  // The server's environment until it has died of it. Before Run.
  void Arm(const Environment& armed) { armed_ = armed; }
  // Plays the script and checks all that must hold at its end.
  void Run();
  // How often the server was killed, the script's own kill not counted.
  int deaths() const { return deaths_; }
  // Whether it was killed before it came to answer.
  bool died_starting() const { return died_starting_; }

 private:
  using Act = void (KillScript::*)();

  std::vector<Act> Acts() const;
  void Start();
  void Revive();
  void LookAfter();

  void Push();
  void SubmitKept();
  void SubmitLong();
  void Restart();
  void LoseRank();
  void PauseAndResume();
  void KeptEnds();
  void RunOutOfTime();
  void Drain();
  void Collect();
  void Cancel();

  void Finish();
  void CheckJobs();
  void CheckFolder();

  const KillOptions options_;
  Environment armed_;
  Gradusd server_;
  int deaths_ = 0;
  bool died_starting_ = false;
  std::set<std::string> lived_;  // ranks that lived when a server died
  test_support::SubmitHistory submits_;
  std::unique_ptr<PersistentClient> admin_;
  bool pushed_ = false;
  std::string kept_, long_, limited_;  // ids

  test_support::StreamHistory stream_;
  std::thread watcher_;
  std::vector<v1::Event> seen_;  // by the watcher
  std::atomic<bool> watched_{false};
};

}  // namespace gradus::test
