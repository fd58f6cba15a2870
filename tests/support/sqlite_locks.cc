// SPDX-License-Identifier: Apache-2.0
// The lock protocol of SQLite's documentation ("File Locking And Concurrency", "WAL-mode File
// Format") within one process.
#include "tests/support/sqlite_locks.h"

#include <sqlite3.h>

namespace gradus::test_support {

using base::MutexLock;

int SqliteLocks::Lock(Holder& self, int level) {
  const MutexLock lock(mu_);
  if (self.level >= level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED) {
    if (pending_ != nullptr) return SQLITE_BUSY;
    ++shared_;
  } else if (level == SQLITE_LOCK_RESERVED) {
    if (reserved_ != nullptr || pending_ != nullptr) return SQLITE_BUSY;
    reserved_ = &self;
  } else {
    if (pending_ != nullptr && pending_ != &self) return SQLITE_BUSY;
    pending_ = &self;
    self.level = SQLITE_LOCK_PENDING;
    if (shared_ > 1) return SQLITE_BUSY;
  }
  self.level = level;
  return SQLITE_OK;
}

void SqliteLocks::Unlock(Holder& self, int level) {
  const MutexLock lock(mu_);
  if (self.level <= level) return;
  if (reserved_ == &self) reserved_ = nullptr;
  if (pending_ == &self) pending_ = nullptr;
  if (level == SQLITE_LOCK_NONE) --shared_;
  self.level = level;
}

bool SqliteLocks::Reserved() {
  const MutexLock lock(mu_);
  return reserved_ != nullptr || pending_ != nullptr;
}

int SqliteLocks::LockShm(Holder& self, int first, int count, int flags) {
  const MutexLock lock(mu_);
  const unsigned mask = ((1U << static_cast<unsigned>(count)) - 1U) << static_cast<unsigned>(first);
  const auto index = static_cast<size_t>(first);
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    // Shared locks are taken and given back one at a time.
    if ((self.shm_shared & mask) != 0) --shm_shared_[index];
    shm_exclusive_ &= ~(self.shm_exclusive & mask);
    self.shm_shared &= ~mask;
    self.shm_exclusive &= ~mask;
    return SQLITE_OK;
  }
  if ((flags & SQLITE_SHM_SHARED) != 0) {
    if ((self.shm_shared & mask) != 0) return SQLITE_OK;
    if ((shm_exclusive_ & mask) != 0) return SQLITE_BUSY;
    ++shm_shared_[index];
    self.shm_shared |= mask;
    return SQLITE_OK;
  }
  if ((shm_exclusive_ & mask & ~self.shm_exclusive) != 0) return SQLITE_BUSY;
  for (int i = first; i < first + count; ++i) {
    if (shm_shared_[static_cast<size_t>(i)] != 0) return SQLITE_BUSY;
  }
  shm_exclusive_ |= mask;
  self.shm_exclusive |= mask;
  return SQLITE_OK;
}

volatile void* SqliteLocks::MapShm(Holder& self, int region, size_t size, bool extend) {
  const MutexLock lock(mu_);
  if (!self.shm_mapped) {
    self.shm_mapped = true;
    ++shm_users_;
  }
  const auto index = static_cast<size_t>(region);
  while (extend && regions_.size() <= index)
    regions_.push_back(std::make_unique<std::byte[]>(size));
  return index < regions_.size() ? regions_[index].get() : nullptr;
}

void SqliteLocks::Barrier() { const MutexLock lock(mu_); }

void SqliteLocks::UnmapShm(Holder& self) {
  const MutexLock lock(mu_);
  if (!self.shm_mapped) return;
  for (unsigned i = 0; i < shm_shared_.size(); ++i) {
    if ((self.shm_shared & (1U << i)) != 0) --shm_shared_[i];
  }
  shm_exclusive_ &= ~self.shm_exclusive;
  self.shm_shared = 0;
  self.shm_exclusive = 0;
  self.shm_mapped = false;
  if (--shm_users_ == 0) regions_.clear();
}

}  // namespace gradus::test_support
