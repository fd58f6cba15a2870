// SPDX-License-Identifier: Apache-2.0
// The server's database: what was committed survives kill -9 and power loss, and one transaction at
// a time writes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "server/store/announcements.h"
#include "server/store/tx.h"

namespace gradus::store {

struct StoreOptions {
  std::string path;              // the SQLite file; -wal and -shm lie beside it
  std::string url;               // postgresql://... (postgres_url.h), instead of a file
  base::Files* files = nullptr;  // for the folder's sync and for backups before a migration
  base::Clock* clock = nullptr;
  int readers = 4;  // read-only connections
  // Called once, on the thread that met the fault, when a write, sync or read of the file failed;
  // never for a fault of a database server's.
  // What was not acknowledged must not be: the program logs and ends at once, and recovers at its
  // next start. Must not call the store.
  std::function<void(const absl::Status&)> on_fault;
};

// SQL tables in migrations/NNNN_name.sql, one file a schema version, applied in order at Open.
//   Owns     its connections. `files` and `clock` must outlive it.
//   Threads  any. Writers take turns; readers do not wait for them.
//   Errors   FAILED_PRECONDITION when the database was written by a newer version; DATA_LOSS after
//            a fault, for every later call (the store is poisoned). UNAVAILABLE while a database
//            server cannot be reached; the connection is made anew at the next call.
class Store {
 public:
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Runs `body` in a transaction and makes it durable before it returns OK; undone when `body` or
  // the commit fails. `body` must not block, call out or use the store otherwise, and returns an
  // error once one of its statements met one. Callers hold no lock.
  // UNAVAILABLE may come from a commit whose connection was lost: then it is not known whether it
  // was stored. A caller that tries again under the same request id (request_keys.h) is safe.
  absl::Status Write(absl::FunctionRef<absl::Status(Tx&)> body);

  // Runs `body` on a snapshot that has every commit acknowledged before the call.
  absl::Status Read(absl::FunctionRef<absl::Status(ReadTx&)> body) const;

  // Random, made with the store, never changes: marks what belongs to this store on the machine
  // (its processes).
  const std::string& id() const;

  // Whether other servers may be on it.
  bool shared() const;
  // Hears what others announce, on a thread of its own, until it is destroyed; null where nobody
  // else is. The store must outlive it.
  std::unique_ptr<Announcements> Listen(AnnouncementCallbacks callbacks) const;

  // OK, or the fault that poisoned the store.
  absl::Status fault() const;
  // Poisons the store because of a fault met beside it: a sync of a blob, for one.
  void Poison(const absl::Status& fault);

  // A consistent copy of the database as of now, at `path`, which must not exist. UNIMPLEMENTED on
  // PostgreSQL, which has its own tools.
  absl::Status Backup(const std::string& path);

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gradus::store
