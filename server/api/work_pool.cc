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

void WorkPool::PostAfter(std::chrono::microseconds delay, std::function<void()> task) {
  base::MutexLock lock(mu_);
  later_.emplace(std::chrono::steady_clock::now() + delay, std::move(task));
  changed_.Signal();
}

void WorkPool::TakeDue() {
  const Time now = std::chrono::steady_clock::now();
  while (!later_.empty() && later_.begin()->first <= now) {
    tasks_.push_back(std::move(later_.begin()->second));
    later_.erase(later_.begin());
    changed_.Signal();
  }
}

std::function<void()> WorkPool::Next() {
  base::MutexLock lock(mu_);
  while (true) {
    TakeDue();
    if (!tasks_.empty()) {
      std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      return task;
    }
    if (stopping_) return nullptr;
    if (later_.empty()) {
      changed_.Wait(mu_);
    } else {
      const Time due = later_.begin()->first;
      changed_.WaitUntil(mu_, due, [this, due]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return stopping_ || !tasks_.empty() || (!later_.empty() && later_.begin()->first < due);
      });
    }
  }
}

void WorkPool::Run() {
  while (std::function<void()> task = Next()) task();
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

void Strand::PostAfter(std::chrono::microseconds delay, std::function<void()> task) {
  // The strand lives as long as the task does.
  pool_.PostAfter(delay, [this, task = std::move(task)]() mutable { Post(std::move(task)); });
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
