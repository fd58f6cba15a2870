// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_executor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace gradus::test_support {

using base::MutexLock;
using executors::RankKey;
using executors::RankSpec;

void FakeExecutor::OnExit(std::function<void(const executors::RankExit&)> callback) {
  MutexLock lock(callback_mu_);
  callback_ = std::move(callback);
}

absl::StatusOr<std::vector<std::string>> FakeExecutor::Start(std::span<const RankSpec> gang) {
  MutexLock lock(mu_);
  if (failures_ > 0) {
    --failures_;
    return absl::UnavailableError("no process could be made");
  }
  std::vector<std::string> handles;
  for (const RankSpec& spec : gang) {
    ranks_[spec.key.fence] = spec;
    ++started_;
    handles.push_back(absl::StrCat("fake:", spec.key.fence));
  }
  changed_.SignalAll();
  return handles;
}

absl::StatusOr<std::vector<executors::FoundRank>> FakeExecutor::Find() {
  MutexLock lock(mu_);
  std::vector<executors::FoundRank> found;
  for (const auto& [fence, spec] : ranks_)
    found.push_back({spec.key, absl::StrCat("fake:", fence)});
  return found;
}

absl::Status FakeExecutor::Adopt(const executors::FoundRank& rank) {
  MutexLock lock(mu_);
  return ranks_.contains(rank.key.fence) ? absl::OkStatus() : absl::NotFoundError("it has ended");
}

void FakeExecutor::Kill(const RankKey& key) {
  {
    MutexLock lock(mu_);
    killed_.push_back(key);
  }
  Exit(key, "was killed by signal 9 (KILL)");
}

std::string FakeExecutor::Waiting(const RankKey& key) {
  MutexLock lock(mu_);
  return ranks_.contains(key.fence) ? waiting_ : "";
}

void FakeExecutor::HaveWait(const std::string& words) {
  MutexLock lock(mu_);
  waiting_ = words;
}

void FakeExecutor::FailStarts(int count) {
  MutexLock lock(mu_);
  failures_ = count;
}

RankSpec FakeExecutor::AwaitStart(const std::string& job, int attempt, int member) {
  MutexLock lock(mu_);
  RankSpec found;
  changed_.Wait(mu_, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    for (const auto& [fence, spec] : ranks_) {
      if (spec.key.job == job && spec.key.attempt >= attempt && spec.config.member() == member)
        found = spec;
    }
    return found.key.fence != 0;
  });
  return found;
}

void FakeExecutor::Exit(const RankKey& key, const std::string& reason, bool clean, bool told) {
  {
    MutexLock lock(mu_);
    if (ranks_.erase(key.fence) == 0) return;
    changed_.SignalAll();
  }
  if (!told) return;
  MutexLock lock(callback_mu_);
  if (callback_) callback_({key, reason, clean});
}

void FakeExecutor::Exit(const executors::RankExit& exit) {
  {
    MutexLock lock(mu_);
    if (ranks_.erase(exit.key.fence) == 0) return;
    changed_.SignalAll();
  }
  MutexLock lock(callback_mu_);
  if (callback_) callback_(exit);
}

void FakeExecutor::AddStranger(const RankKey& key) {
  MutexLock lock(mu_);
  ranks_[key.fence].key = key;
}

std::vector<RankSpec> FakeExecutor::running() const {
  MutexLock lock(mu_);
  std::vector<RankSpec> specs;
  for (const auto& [fence, spec] : ranks_) specs.push_back(spec);
  return specs;
}

int FakeExecutor::started() const {
  MutexLock lock(mu_);
  return started_;
}

std::vector<RankKey> FakeExecutor::killed() const {
  MutexLock lock(mu_);
  return killed_;
}

}  // namespace gradus::test_support
