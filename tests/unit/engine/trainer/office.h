// SPDX-License-Identifier: Apache-2.0
// Calls the ranks of a job together, as the server does, for ranks that are threads of a test.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/trainer/trainer.h"
#include "tests/support/memory_group.h"

namespace gradus::trainer {

class Office {
 public:
  // Members 0 (the leader), 1, ... compute together from their next meeting on.
  void Call(std::vector<int> members) {
    const std::lock_guard lock(mu_);
    CallLocked(std::move(members));
  }
  // A rank that is no more: at the others, whatever they wait for breaks.
  void Lose(int member) {
    const std::lock_guard lock(mu_);
    std::erase(members_, member);
    dismissed_.push_back(member);
    if (wire_ != nullptr) wire_->Break();
    CallLocked(members_);
  }
  // The job is over for all who still wait.
  void Close() {
    const std::lock_guard lock(mu_);
    closed_ = true;
    if (wire_ != nullptr) wire_->Break();
    changed_.notify_all();
  }
  int64_t generation() {
    const std::lock_guard lock(mu_);
    return generation_;
  }
  // Breaks the meeting that goes on without anybody being lost.
  void CutWire() {
    const std::lock_guard lock(mu_);
    if (wire_ != nullptr) wire_->Break();
  }
  int broken_reports() {
    const std::lock_guard lock(mu_);
    return reports_;
  }

  class Seat final : public Workers {
   public:
    Seat(Office& office, int member) : office_(office), member_(member) {}
    absl::StatusOr<Meeting> Meet(int64_t after) override { return office_.Meet(member_, after); }
    int64_t announced() const override { return office_.announced_.load(); }
    void Broken(int64_t generation, const absl::Status&) override { office_.Broken(generation); }

   private:
    Office& office_;
    const int member_;
  };

 private:
  void CallLocked(std::vector<int> members) {
    members_ = std::move(members);
    std::ranges::sort(members_);
    ++generation_;
    if (wire_ != nullptr) old_wires_.push_back(wire_);
    wire_ = std::make_shared<test_support::MemoryWire>();
    announced_ = generation_;
    changed_.notify_all();
  }
  void Broken(int64_t generation) {
    const std::lock_guard lock(mu_);
    ++reports_;
    if (generation == generation_) CallLocked(members_);
  }
  absl::StatusOr<Meeting> Meet(int member, int64_t after) {
    std::unique_lock lock(mu_);
    const auto place = [&] { return std::ranges::find(members_, member); };
    const auto over = [&] {
      return closed_ || std::ranges::find(dismissed_, member) != dismissed_.end();
    };
    changed_.wait(lock,
                  [&] { return over() || (generation_ > after && place() != members_.end()); });
    if (over()) return absl::CancelledError("the run is over");
    // Who waits in an older meeting for this rank waits in vain.
    for (; !old_wires_.empty(); old_wires_.pop_back()) old_wires_.back()->Break();
    return Meeting{.generation = generation_,
                   .group = std::make_unique<test_support::MemoryGroup>(
                       wire_, static_cast<int>(place() - members_.begin()),
                       static_cast<int>(members_.size()))};
  }

  std::mutex mu_;
  std::condition_variable changed_;
  std::atomic<int64_t> announced_{0};
  int64_t generation_ = 0;
  std::vector<int> members_;
  std::vector<int> dismissed_;
  std::shared_ptr<test_support::MemoryWire> wire_;
  std::vector<std::shared_ptr<test_support::MemoryWire>> old_wires_;
  bool closed_ = false;
  int reports_ = 0;
};

}  // namespace gradus::trainer
