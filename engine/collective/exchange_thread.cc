// SPDX-License-Identifier: Apache-2.0
#include "engine/collective/exchange_thread.h"

#include <utility>

#include "engine/base/status.h"

namespace gradus::collective {
namespace {

using Clock = std::chrono::steady_clock;

// A TreeReduction takes two.
constexpr uint32_t kBlockChannel = ExchangeThread::kFirstChannel + 2;

}  // namespace

ExchangeThread::ExchangeThread(Group& group, const Subtrees& trees, const Options& options)
    : group_(group),
      reduction_(group, trees,
                 {.bfloat16 = options.bfloat16,
                  .channel = kFirstChannel,
                  .piece_floats = options.piece_floats}),
      thread_([this] { Run(); }) {}

ExchangeThread::~ExchangeThread() {
  bool stepping = false;
  {
    const base::MutexLock lock(mu_);
    ending_ = true;
    stepping = stepping_;
  }
  if (stepping) group_.Abort();
  changed_.Signal();
  thread_.join();
}

void ExchangeThread::Begin(int stretches) {
  const base::MutexLock lock(mu_);
  stretches_.assign(static_cast<size_t>(stretches), std::nullopt);
  next_ = 0;
  blocks_.reset();
  complete_ = false;
  running_ = {};
  stepping_ = true;
}

void ExchangeThread::Add(int number, std::span<float> stretch) {
  {
    const base::MutexLock lock(mu_);
    stretches_[static_cast<size_t>(number)] = stretch;
    // The thread cannot use it yet.
    if (static_cast<size_t>(number) != next_) return;
  }
  changed_.Signal();
}

absl::Status ExchangeThread::Finish(std::span<const std::byte> own, std::span<const size_t> sizes,
                                    std::span<std::byte> all) {
  const Clock::time_point start = Clock::now();
  const base::MutexLock lock(mu_);
  blocks_ = Blocks{.own = own, .sizes = sizes, .all = all};
  changed_.Signal();
  finished_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return complete_; });
  stepping_ = false;
  times_ = running_;
  times_.waited = Clock::now() - start;
  return status_;
}

ExchangeThread::Times ExchangeThread::times() const {
  const base::MutexLock lock(mu_);
  return times_;
}

void ExchangeThread::Run() {
  while (true) {
    std::span<float> stretch;
    Blocks blocks;
    const Task task = NextTask(stretch, blocks);
    if (task == Task::kLeave) return;
    const Clock::time_point start = Clock::now();
    const absl::Status status = Do(task, stretch, blocks);
    Done(task, status, Clock::now() - start);
  }
}

ExchangeThread::Task ExchangeThread::NextTask(std::span<float>& stretch, Blocks& blocks) {
  const base::MutexLock lock(mu_);
  Task task = Task::kLeave;
  changed_.Wait(mu_, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return Ready(task); });
  if (task == Task::kReduce) stretch = *stretches_[next_++];
  if (task == Task::kGather) blocks = *blocks_;
  return task;
}

// What can be begun comes before what has to be waited for; the blocks come first, since a message
// takes its time however short it is.
bool ExchangeThread::Ready(Task& task) {
  if (ending_) {
    task = Task::kLeave;
  } else if (!stepping_ || complete_) {
    return false;
  } else if (!status_.ok()) {
    task = Task::kEnd;
    return blocks_.has_value();
  } else if (blocks_ && !gather_) {
    task = Task::kGather;
  } else if (next_ < stretches_.size() && stretches_[next_]) {
    task = Task::kReduce;
  } else if (reduction_.pending()) {
    task = Task::kAdvance;
  } else if (gather_ && next_ == stretches_.size()) {
    task = Task::kEnd;
  } else {
    return false;
  }
  return true;
}

absl::Status ExchangeThread::Do(Task task, std::span<float> stretch, const Blocks& blocks) {
  switch (task) {
    case Task::kGather: {
      ASSIGN_OR_RETURN(gather_,
                       Gather::Begin(group_, kBlockChannel, blocks.own, blocks.sizes, blocks.all));
      return absl::OkStatus();
    }
    case Task::kReduce:
      return reduction_.Add(stretch);
    case Task::kAdvance:
      return reduction_.Advance();
    case Task::kEnd:
      return gather_ ? gather_->Wait() : absl::OkStatus();
    case Task::kLeave:
      break;
  }
  return absl::OkStatus();
}

void ExchangeThread::Done(Task task, const absl::Status& status, std::chrono::nanoseconds took) {
  const base::MutexLock lock(mu_);
  running_.exchanging += took;
  if (status_.ok()) status_ = status;
  if (task != Task::kEnd) return;
  gather_.reset();
  complete_ = true;
  finished_.Signal();
}

}  // namespace gradus::collective
