// SPDX-License-Identifier: Apache-2.0
// A fixed team of threads for work of microseconds.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "engine/base/barrier.h"

namespace gradus::base {

// Runs a function once on each of N threads; the caller is rank 0. Between runs the others spin for
// a moment and then sleep, so an idle team costs nothing.
//   Owns     its N - 1 threads; ended by the destructor.
//   Threads  one caller at a time, always the same thread. Run is not reentrant.
//   Errors   the function must not throw.
class Team {
 public:
  struct Options {
    int size = 1;
    // Core of each rank; empty: no pinning. Rank 0 is the caller's thread and is left alone: pin it
    // with PinThisThread.
    std::vector<int> cpus;
    // Time spent spinning before a thread sleeps. A team larger than the number of usable cores
    // never spins.
    std::chrono::nanoseconds spin = std::chrono::microseconds(50);
  };

  explicit Team(const Options& options);
  explicit Team(int size) : Team(Options{size, {}, std::chrono::microseconds(50)}) {}
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return size_; }

  // Calls f(rank) for rank 0 ... size() - 1 at the same time and returns when all have.
  void Run(absl::FunctionRef<void(int rank)> f);

  // For use inside a Run: every rank must come.
  void Sync() { barrier_.Wait(); }

 private:
  void Work(int rank, const std::vector<int>& cpus);

  const int size_;
  const std::chrono::nanoseconds spin_;
  Barrier barrier_;
  const absl::FunctionRef<void(int)>* job_ = nullptr;  // written before round_, read after
  bool ending_ = false;                                // likewise
  alignas(64) std::atomic<uint32_t> round_{0};
  alignas(64) std::atomic<uint32_t> running_{0};
  std::vector<std::thread> threads_;
};

// The part of 0 ... count - 1 that falls to `rank` of `size`: [begin, end), parts differ by one
// `grain` at most, boundaries are multiples of `grain`.
struct Range {
  size_t begin;
  size_t end;
};
Range PartOf(size_t count, int rank, int size, size_t grain = 1);

}  // namespace gradus::base
