// SPDX-License-Identifier: Apache-2.0
// The N-th operation on the database's files fails, for every N: whoever was told of a commit finds
// it again, and nothing is written or synced after the fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/store/store.h"
#include "tests/support/failing_files.h"
#include "tests/support/fake_clock.h"
#include "tests/support/power_cut_files.h"
#include "tests/support/sqlite_vfs.h"

namespace gradus::store {
namespace {

using test_support::FailingFiles;
using test_support::FileOp;

// Each row fills pages enough that the log is folded into the file on the way.
constexpr int kRows = 20;
constexpr size_t kRowBytes = 256 << 10;

class StoreFaults : public ::testing::TestWithParam<int> {
 protected:
  absl::StatusOr<std::unique_ptr<Store>> Open(base::Files& files) {
    StoreOptions options;
    options.path = "/gradus.db";
    options.files = &files;
    options.clock = &clock_;
    options.readers = 1;
    options.on_fault = [this](const absl::Status& fault) {
      ++faults_;
      last_fault_ = fault;
    };
    return Store::Open(options);
  }

  // How many rows were acknowledged.
  int Fill(Store& store) {
    for (int row = 0; row < kRows; ++row) {
      const absl::Status put = store.Write([&](Tx& tx) {
        return tx.Execute("INSERT INTO store_facts (name, value) VALUES (:n, :v)",
                          absl::StrCat("row", row), std::string(kRowBytes, 'x'));
      });
      if (!put.ok()) return row;
    }
    return kRows;
  }

  int64_t Rows(Store& store) {
    int64_t rows = -1;
    const absl::Status status = store.Read([&](ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(auto row, tx.QueryOne<int64_t>(
                                     "SELECT COUNT(*) FROM store_facts WHERE name LIKE 'row%'"));
      rows = std::get<0>(*row);
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return rows;
  }

  // Whether there were `n` operations.
  bool FailNth(uint64_t n, std::span<const FileOp> ops) {
    test_support::PowerCutFiles disk;
    FailingFiles failing(disk);
    int acknowledged = 0;
    faults_ = 0;
    {
      test_support::SqliteVfs vfs(failing);
      // Until a new file has its log SQLite works with a journal, and syncs again when it rolls
      // back; nothing has been promised by then.
      EXPECT_TRUE(Open(failing).ok());
      failing.FailNth(n, ops, GetParam());
      absl::StatusOr<std::unique_ptr<Store>> store = Open(failing);
      EXPECT_TRUE(store.ok() || failing.failed()) << store.status();
      if (store.ok()) {
        acknowledged = Fill(**store);
        store->reset();
        EXPECT_EQ(faults_, failing.failed() ? 1 : 0) << last_fault_;
      }
    }
    EXPECT_EQ(failing.retried_syncs(), 0U);
    test_support::SqliteVfs vfs(disk);
    const absl::StatusOr<std::unique_ptr<Store>> again = Open(disk);
    EXPECT_TRUE(again.ok()) << again.status();
    EXPECT_GE(again.ok() ? Rows(**again) : -1, acknowledged);
    return failing.failed();
  }

  test_support::FakeClock clock_;
  int faults_ = 0;
  absl::Status last_fault_;
};

TEST_P(StoreFaults, ASyncIsNeverTriedAgain) {
  const FileOp ops[] = {FileOp::kSync};
  uint64_t n = 1;
  while (FailNth(n, ops) && !HasFailure()) ++n;
  EXPECT_GT(n, static_cast<uint64_t>(kRows)) << "a commit is a sync, a folded log are more";
}

TEST_P(StoreFaults, AfterAFailedWriteNothingIsLost) {
  const FileOp ops[] = {FileOp::kWrite};
  constexpr uint64_t kStride = 97;  // prime to the writes of a commit
  for (uint64_t n = 1; FailNth(n, ops) && !HasFailure();) n += kStride;
}

INSTANTIATE_TEST_SUITE_P(Errors, StoreFaults, ::testing::Values(EIO, ENOSPC));

}  // namespace
}  // namespace gradus::store
