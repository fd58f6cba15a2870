// SPDX-License-Identifier: Apache-2.0
#include "server/api/work_pool.h"

#include <utility>

namespace gradus::api {

WorkPool::WorkPool(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

WorkPool::~WorkPool() {
  {
    base::MutexLock lock(mu_);
    stopping_ = true;
    changed_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void WorkPool::Post(std::function<void()> task) {
  base::MutexLock lock(mu_);
  tasks_.push_back(std::move(task));
  changed_.Signal();
}

void WorkPool::Run() {
  while (true) {
    std::function<void()> task;
    {
      base::MutexLock lock(mu_);
      changed_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return stopping_ || !tasks_.empty();
      });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

void Strand::Post(std::function<void()> task) {
  {
    base::MutexLock lock(mu_);
    tasks_.push_back(std::move(task));
    if (running_) return;
    running_ = true;
  }
  pool_.Post([this] { RunOne(); });
}

void Strand::RunOne() {
  std::function<void()> task;
  {
    base::MutexLock lock(mu_);
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  task();
  {
    base::MutexLock lock(mu_);
    if (tasks_.empty()) {
      running_ = false;
      return;  // `task` may be the last thing that keeps this strand alive; it goes after the lock
    }
  }
  pool_.Post([this] { RunOne(); });
}

}  // namespace gradus::api
