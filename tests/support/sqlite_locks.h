// SPDX-License-Identifier: Apache-2.0
// What the connections of one process to one database share: file locks and the WAL index.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "engine/base/mutex.h"

namespace gradus::test_support {

// SQLite's five lock levels on the file, its eight locks on the shared memory, and that memory.
//   Threads  any.
class SqliteLocks {
 public:
  // What one connection holds; it belongs to the connection and changes only in the calls below.
  struct Holder {
    int level = 0;  // SQLITE_LOCK_*
    unsigned shm_shared = 0;
    unsigned shm_exclusive = 0;
    bool shm_mapped = false;
  };

  // The results are SQLite's: SQLITE_OK or SQLITE_BUSY.
  int Lock(Holder& self, int level);
  void Unlock(Holder& self, int level);
  bool Reserved();

  // `count` locks from `first`; `flags` are SQLITE_SHM_*.
  int LockShm(Holder& self, int first, int count, int flags);
  // A region of the shared memory; null when it is not there and `extend` is false.
  volatile void* MapShm(Holder& self, int region, size_t size, bool extend);
  // Orders this connection's writes to the shared memory before what it does next.
  void Barrier();
  // Gives up everything in shared memory; it is freed with its last user.
  void UnmapShm(Holder& self);

 private:
  base::Mutex mu_;
  int shared_ ABSL_GUARDED_BY(mu_) = 0;
  const Holder* reserved_ ABSL_GUARDED_BY(mu_) = nullptr;
  const Holder* pending_ ABSL_GUARDED_BY(mu_) =
      nullptr;  // also while exclusive: nobody new may read
  std::array<int, 8> shm_shared_ ABSL_GUARDED_BY(mu_) = {};
  unsigned shm_exclusive_ ABSL_GUARDED_BY(mu_) = 0;
  int shm_users_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::unique_ptr<std::byte[]>> regions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::test_support
