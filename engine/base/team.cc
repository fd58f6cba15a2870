// SPDX-License-Identifier: Apache-2.0
// Starting, waking and ending a team.
#include "engine/base/team.h"

#include <algorithm>

namespace gradus::base {
namespace {

std::chrono::nanoseconds SpinFor(const Team::Options& options) {
  const bool fits = static_cast<size_t>(std::max(options.size, 1)) <= UsableCpus().size();
  return fits ? options.spin : std::chrono::nanoseconds(0);
}

}  // namespace

Team::Team(const Options& options)
    : size_(std::max(options.size, 1)),
      spin_(SpinFor(options)),
      barrier_(static_cast<uint32_t>(size_), spin_) {
  threads_.reserve(static_cast<size_t>(size_ - 1));
  for (int rank = 1; rank < size_; ++rank) {
    threads_.emplace_back([this, rank, cpus = options.cpus] { Work(rank, cpus); });
  }
}

Team::~Team() {
  if (threads_.empty()) return;
  ending_ = true;
  round_.fetch_add(1);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Team::Run(absl::FunctionRef<void(int rank)> f) {
  if (size_ == 1) {
    f(0);
    return;
  }
  job_ = &f;
  running_.store(static_cast<uint32_t>(size_ - 1));
  round_.fetch_add(1);
  round_.notify_all();
  f(0);
  for (uint32_t running = running_.load(); running != 0; running = running_.load()) {
    WaitWhileEqual(running_, running, spin_);
  }
}

void Team::Work(int rank, const std::vector<int>& cpus) {
  if (!cpus.empty()) {
    const int cpu = cpus[static_cast<size_t>(rank) % cpus.size()];
    // A core that was taken away meanwhile makes the team slower, not wrong.
    PinThisThread(std::span<const int>(&cpu, 1)).IgnoreError();
  }
  // A thread may start after the first rounds began: it counts from zero all the same, as the
  // caller waits for it.
  for (uint32_t round = 0;; ++round) {
    WaitWhileEqual(round_, round, spin_);
    if (ending_) return;
    (*job_)(rank);
    if (running_.fetch_sub(1) == 1) running_.notify_one();
  }
}

Range PartOf(size_t count, int rank, int size, size_t grain) {
  const size_t grains = (count + grain - 1) / grain;
  const auto at = [&](int r) {
    const auto part = static_cast<size_t>(r);
    const auto parts = static_cast<size_t>(size);
    const size_t grains_before = grains / parts * part + std::min(part, grains % parts);
    return std::min(count, grains_before * grain);
  };
  return {at(rank), at(rank + 1)};
}

}  // namespace gradus::base
