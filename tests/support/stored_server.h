// SPDX-License-Identifier: Apache-2.0
// All of gradusd that keeps state, put together as the program does it, on a machine of a test's
// own.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "server/auth/tokens.h"
#include "server/events/event_log.h"
#include "server/jobs/jobs.h"
#include "server/registry/datasets.h"
#include "server/registry/models.h"
#include "server/registry/parser.h"
#include "server/registry/uploads.h"
#include "server/store/blobs.h"
#include "server/store/store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"
#include "tests/support/sqlite_vfs.h"

namespace gradus::test_support {

// The database too lies on `files`. Uploaded files are their own values: a column "x" has four
// bytes a row, a column "y" one; a model's are two tensors of the same size.
//   Owns     the parts; files, clock and executor must outlive it.
//   Threads  one, besides the driver's. One object at a time.
class StoredServer {
 public:
  static constexpr char kDir[] = "/data";

  static absl::StatusOr<std::unique_ptr<StoredServer>> Start(base::Files& files, FakeClock& clock,
                                                             FakeExecutor& executor);

  store::Store& store() { return *store_; }
  store::BlobStore& blobs() { return *blobs_; }
  events::EventLog& events() { return *events_; }
  registry::Datasets& datasets() { return *datasets_; }
  registry::Uploads& uploads() { return *uploads_; }
  registry::Models& models() { return *models_; }
  jobs::Jobs& jobs() { return *jobs_; }
  FakeExecutor& executor() { return executor_; }
  FakeClock& clock() { return clock_; }
  base::Files& files() { return vfs_.files(); }

  // How often the store has told of a fault.
  int faults() const { return faults_; }

 private:
  StoredServer(base::Files& files, FakeClock& clock, FakeExecutor& executor)
      : vfs_(files), clock_(clock), executor_(executor) {}
  absl::Status OpenStores();
  absl::Status OpenRegistry();
  absl::Status StartJobs();

  SqliteVfs vfs_;
  FakeClock& clock_;
  FakeExecutor& executor_;
  std::atomic<int> faults_ = 0;
  // In the order of their making; each needs some of those before it.
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::BlobStore> blobs_;
  std::unique_ptr<auth::Tokens> tokens_;
  std::unique_ptr<events::EventLog> events_;
  std::unique_ptr<registry::Datasets> datasets_;
  std::unique_ptr<registry::Parser> parser_;
  std::unique_ptr<registry::Models> models_;
  std::unique_ptr<registry::Uploads> uploads_;
  std::unique_ptr<jobs::Jobs> jobs_;
};

}  // namespace gradus::test_support
