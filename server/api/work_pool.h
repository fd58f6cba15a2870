// SPDX-License-Identifier: Apache-2.0
// A few threads for what a reactor must not do on the transport's callback threads: reading the
// store.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "engine/base/mutex.h"

namespace gradus::api {

// Runs tasks in the order of their posting, `threads` at a time. Tasks are short: they read a page
// or store a batch, and never wait for a client.
//   Owns     its threads.
//   Threads  any.
class WorkPool {
 public:
  explicit WorkPool(int threads);
  // Runs what is posted, then ends.
  ~WorkPool();

  void Post(std::function<void()> task);
  // Not before `delay` has passed. What is still waiting at the end is dropped.
  void PostAfter(std::chrono::microseconds delay, std::function<void()> task);

 private:
  using Time = std::chrono::steady_clock::time_point;

  void Run();
  // Waits for a task that is due; an empty one at the end.
  std::function<void()> Next();
  void TakeDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  base::Mutex mu_;
  base::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::multimap<Time, std::function<void()>> later_ ABSL_GUARDED_BY(mu_);
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

// Tasks of one stream: they run on the pool one at a time, in the order of their posting, so that
// they share their state without a lock.
//   Owns     nothing: the pool must outlive it, and each task must keep the strand alive (a
//            shared_ptr to its owner will do).
//   Threads  any.
class Strand {
 public:
  explicit Strand(WorkPool& pool) : pool_(pool) {}

  void Post(std::function<void()> task);
  // Stands in line after `delay`.
  void PostAfter(std::chrono::microseconds delay, std::function<void()> task);

 private:
  // Runs one task and stands in line again, so that a busy stream does not keep the others waiting.
  void RunOne();

  WorkPool& pool_;
  base::Mutex mu_;
  bool running_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::api
