// SPDX-License-Identifier: Apache-2.0
// Lays SQLite's files on any base::Files, so that a test of the store can fail its N-th write or
// sync and cut its power.
#pragma once

#include <sqlite3.h>

#include <map>
#include <memory>
#include <string>

#include "engine/base/files.h"
#include "engine/base/mutex.h"
#include "tests/support/sqlite_locks.h"

namespace gradus::test_support {

// As long as it lives, every connection of this process that opens a database without naming a VFS
// gets its main file, journal and WAL from `files`; shared memory and locks live on the heap (so:
// one process), temporary files stay with the machine's VFS. A new journal's or WAL's directory is
// synced with its first sync, and a sector written in part keeps its other bytes, both as with
// SQLite's own VFS on a Linux disk.
//   Owns     its registration; `files` must outlive it.
//   Threads  any. One object at a time.
//
// REQUIRES: connections are closed before it ends, and before PowerCutFiles::PowerCut (the power
// being off by TurnOffAfter): a connection that outlives a cut would clean up after itself in the
// new world.
class SqliteVfs {
 public:
  explicit SqliteVfs(base::Files& files);
  ~SqliteVfs();
  SqliteVfs(const SqliteVfs&) = delete;
  SqliteVfs& operator=(const SqliteVfs&) = delete;

  base::Files& files() const { return files_; }
  sqlite3_vfs& original() const { return *original_; }
  // Locks and shared memory of a path; the same object for all who have it open.
  std::shared_ptr<SqliteLocks> LocksOf(const std::string& path);

 private:
  base::Files& files_;
  sqlite3_vfs* const original_;
  sqlite3_vfs vfs_ = {};
  base::Mutex mu_;
  std::map<std::string, std::weak_ptr<SqliteLocks>> locks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::test_support
