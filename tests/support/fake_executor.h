// SPDX-License-Identifier: Apache-2.0
// An executor whose ranks are entries in a table: a test says when they exit.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "server/executors/executor.h"

namespace gradus::test_support {

// Ranks stay in it when the server that started them goes: hand the same one to the next server to
// play a restart.
//   Threads  any; exits are told on the thread that calls Exit or Kill.
class FakeExecutor final : public executors::Executor {
 public:
  void OnExit(std::function<void(const executors::RankExit&)> callback) override;
  absl::StatusOr<std::vector<std::string>> Start(
      std::span<const executors::RankSpec> gang) override;
  absl::StatusOr<std::vector<executors::FoundRank>> Find() override;
  absl::Status Adopt(const executors::FoundRank& rank) override;
  void Kill(const executors::RankKey& key) override;
  bool is_local() const override { return local_; }
  std::string Waiting(const executors::RankKey& key) override;

  // From now on ranks wait in a queue of the executor's own.
  void HaveQueue() { local_ = false; }

  // What ranks wait for; empty: they run.
  void HaveWait(const std::string& words);

  // The next `count` starts fail.
  void FailStarts(int count);
  // Waits until the job's worker `member` (0: the leader) runs in an attempt of at least `attempt`.
  executors::RankSpec AwaitStart(const std::string& job, int attempt = 1, int member = 0);
  // The rank's process ends by itself. `told`: the server sees it; else it finds out at its next
  // start.
  void Exit(const executors::RankKey& key, const std::string& reason, bool clean = false,
            bool told = true);
  // The same, with all that can be said of it.
  void Exit(const executors::RankExit& exit);
  // A process of this store that no attempt knows.
  void AddStranger(const executors::RankKey& key);

  std::vector<executors::RankSpec> running() const;
  int started() const;
  std::vector<executors::RankKey> killed() const;

 private:
  mutable base::Mutex mu_;
  base::CondVar changed_;
  std::map<int64_t, executors::RankSpec> ranks_ ABSL_GUARDED_BY(mu_);
  std::vector<executors::RankKey> killed_ ABSL_GUARDED_BY(mu_);
  int started_ ABSL_GUARDED_BY(mu_) = 0;
  int failures_ ABSL_GUARDED_BY(mu_) = 0;
  std::atomic<bool> local_ = true;
  std::string waiting_ ABSL_GUARDED_BY(mu_);
  base::Mutex callback_mu_;
  std::function<void(const executors::RankExit&)> callback_ ABSL_GUARDED_BY(callback_mu_);
};

}  // namespace gradus::test_support
