// SPDX-License-Identifier: Apache-2.0
// The store alone: a commit of its first hour survives, and a start that fails syncs nothing twice.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

#include "engine/base/file_ops.h"
#include "engine/base/status.h"
#include "server/store/store.h"
#include "tests/support/failing_files.h"
#include "tests/support/fake_clock.h"
#include "tests/support/power_cut_files.h"
#include "tests/support/sqlite_vfs.h"

namespace gradus::robustness {
namespace {

using test_support::FailingFiles;
using test_support::kChangingOps;
using test_support::PowerCutFiles;
using test_support::SqliteVfs;

class StoreOnDisk {
 public:
  explicit StoreOnDisk(base::Files& files) : vfs_(files) {}

  absl::Status Open() {
    ASSIGN_OR_RETURN(
        store_,
        store::Store::Open({.path = "/d/gradus.db", .files = &vfs_.files(), .clock = &clock_}));
    return absl::OkStatus();
  }
  absl::Status Put(const std::string& name) {
    return store_->Write([&](store::Tx& tx) {
      return tx.Execute("INSERT INTO store_facts (name, value) VALUES (:name, '')", name);
    });
  }
  absl::StatusOr<bool> Has(const std::string& name) {
    bool found = false;
    RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const auto row, tx.QueryOne<std::string>(
                                           "SELECT name FROM store_facts WHERE name = :n", name));
      found = row.has_value();
      return absl::OkStatus();
    }));
    return found;
  }

 private:
  SqliteVfs vfs_;
  test_support::FakeClock clock_;
  std::unique_ptr<store::Store> store_;
};

void MakeFolder(base::Files& files) { ASSERT_TRUE(base::MakeDirs(files, "/d").ok()); }

TEST(PowerCutStore, TheFirstCommitOfANewDatabaseIsDurable) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    PowerCutFiles disk;
    MakeFolder(disk);
    {
      StoreOnDisk store(disk);
      ASSERT_EQ(store.Open(), absl::OkStatus());
      ASSERT_EQ(store.Put("first"), absl::OkStatus());
      disk.TurnOffAfter(0);
    }
    disk.PowerCut(seed);
    StoreOnDisk store(disk);
    ASSERT_EQ(store.Open(), absl::OkStatus());
    const auto found = store.Has("first");
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_TRUE(*found);
  }
}

TEST(PowerCutStore, AStartThatFailsSyncsNothingTwice) {
  int failed_starts = 0;
  bool hit = true;
  for (uint64_t n = 1; hit; ++n) {
    PowerCutFiles disk;
    MakeFolder(disk);
    {
      StoreOnDisk killed(disk);
      ASSERT_EQ(killed.Open(), absl::OkStatus());
      ASSERT_EQ(killed.Put("told"), absl::OkStatus());
      disk.TurnOffAfter(0);
    }
    disk.PowerCut(n);
    FailingFiles files(disk);
    files.FailNth(n, kChangingOps, EIO);
    {
      StoreOnDisk store(files);
      failed_starts += store.Open().ok() ? 0 : 1;
      hit = files.failed();
    }
    EXPECT_EQ(files.retried_syncs(), 0u) << "operation " << n;
    StoreOnDisk store(files);
    ASSERT_EQ(store.Open(), absl::OkStatus());
    EXPECT_EQ(store.Has("told").value_or(false), true);
  }
  EXPECT_GT(failed_starts, 5);
}

}  // namespace
}  // namespace gradus::robustness
