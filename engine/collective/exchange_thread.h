// SPDX-License-Identifier: Apache-2.0
// The exchange of a step's gradients, behind the computing of those that are still to come.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/mutex.h"
#include "engine/collective/gather.h"
#include "engine/collective/group.h"
#include "engine/collective/subtrees.h"
#include "engine/collective/tree_reduction.h"

namespace gradus::collective {

// A thread that makes all calls of a group from its creation on. In each step the ranks hand it the
// stretches of their gradients as these become complete, and at the end one block of bytes each;
// it sums the stretches in the order of their numbers, whatever the order in which they come, and
// gathers the blocks.
//   Owns     its thread, and what a TreeReduction takes; both stay from step to step.
//   Threads  Begin and Finish: one at a time. Add: any, between a step's Begin and Finish.
//   Errors   kept and returned by Finish: those of the group, after which it is of no more use.
class ExchangeThread {
 public:
  // Channels of the group that this uses; others are free while no step is under way.
  static constexpr uint32_t kFirstChannel = 0;
  static constexpr uint32_t kChannels = 3;

  struct Options {
    bool bfloat16 = false;  // as TreeReduction's
    size_t piece_floats = TreeReduction::Options{}.piece_floats;
  };

  // `group` must outlive this.
  ExchangeThread(Group& group, const Subtrees& trees, const Options& options);
  // A step under way is given up, and with it the group.
  ~ExchangeThread();
  ExchangeThread(const ExchangeThread&) = delete;
  ExchangeThread& operator=(const ExchangeThread&) = delete;

  // A step of so many stretches, numbered from 0; alike on all ranks. REQUIRES: none is under way.
  void Begin(int stretches);

  // Stretch `number` holds this rank's sum, and is lent until Finish has returned. Each number once
  // a step. Does not wait.
  void Add(int number, std::span<float> stretch);

  // Ends the step: waits until every stretch holds the sum of all ranks and `all` everybody's
  // blocks, as Gather (gather.h) lays them out. REQUIRES: each stretch was added.
  absl::Status Finish(std::span<const std::byte> own, std::span<const size_t> sizes,
                      std::span<std::byte> all);

  // Of the step that Finish ended last.
  struct Times {
    std::chrono::nanoseconds exchanging{};  // the thread's, from a stretch's arrival to its end
    std::chrono::nanoseconds waited{};      // in Finish: what was not hidden
  };
  Times times() const;

 private:
  // What Finish was given.
  struct Blocks {
    std::span<const std::byte> own;
    std::span<const size_t> sizes;
    std::span<std::byte> all;
  };

  enum class Task { kGather, kReduce, kAdvance, kEnd, kLeave };

  void Run();
  // Waits for the next one; the stretch of kReduce and the blocks of kGather come with it.
  Task NextTask(std::span<float>& stretch, Blocks& blocks);
  bool Ready(Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(Task task, std::span<float> stretch, const Blocks& blocks);
  // The task is done, or the step has failed.
  void Done(Task task, const absl::Status& status, std::chrono::nanoseconds took);

  Group& group_;

  // The thread's own.
  TreeReduction reduction_;
  std::optional<Gather> gather_;

  mutable base::Mutex mu_;
  base::CondVar changed_;
  base::CondVar finished_;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool stepping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::optional<std::span<float>>> stretches_ ABSL_GUARDED_BY(mu_);
  size_t next_ ABSL_GUARDED_BY(mu_) = 0;  // of the stretches
  std::optional<Blocks> blocks_ ABSL_GUARDED_BY(mu_);
  bool complete_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  Times running_ ABSL_GUARDED_BY(mu_);
  Times times_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;  // last: it uses all the others
};

}  // namespace gradus::collective
