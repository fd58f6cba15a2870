// SPDX-License-Identifier: Apache-2.0
// SQLite over the fault model works as over a disk, keeps what it acknowledged, and loses what
// nobody synced.
#include "tests/support/sqlite_vfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "engine/base/file_ops.h"
#include "tests/support/failing_files.h"
#include "tests/support/power_cut_files.h"

namespace gradus::test_support {
namespace {

constexpr int kRows = 12;

// A connection; closed by its destructor.
class Connection {
 public:
  explicit Connection(int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
    code_ = sqlite3_open_v2("/d/db", &db_, flags, nullptr);
  }
  ~Connection() { sqlite3_close(db_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int Run(const std::string& sql) {
    result_.clear();
    return code_ != SQLITE_OK ? code_ : sqlite3_exec(db_, sql.c_str(), Keep, this, nullptr);
  }
  // The first column of the last row, or the error.
  std::string Ask(const std::string& sql) {
    return Run(sql) == SQLITE_OK ? result_ : sqlite3_errmsg(db_);
  }

 private:
  static int Keep(void* self, int columns, char** values, char** /*names*/) {
    if (columns > 0 && values[0] != nullptr) static_cast<Connection*>(self)->result_ = values[0];
    return 0;
  }

  sqlite3* db_ = nullptr;
  int code_ = SQLITE_OK;
  std::string result_;
};

// Commits rows 1 ... kRows one by one until one fails; how many were acknowledged. Checkpoints on
// the way.
int CommitRows(const std::string& synchronous) {
  Connection connection;
  if (connection.Run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=5; PRAGMA synchronous=" +
                     synchronous) != SQLITE_OK)
    return 0;
  if (connection.Run("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, text TEXT)") !=
      SQLITE_OK)
    return 0;
  for (int row = 1; row <= kRows; ++row) {
    if (connection.Run("INSERT INTO t VALUES (" + std::to_string(row) + ", hex(zeroblob(1500)))") !=
        SQLITE_OK)
      return row - 1;
  }
  return kRows;
}

// What a restarted process finds: -1 for a damaged database.
int RowsFound() {
  Connection connection;
  if (connection.Ask("PRAGMA integrity_check") != "ok") return -1;
  if (connection.Run("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, text TEXT)") !=
      SQLITE_OK)
    return -1;
  return std::stoi(connection.Ask("SELECT count(*) FROM t"));
}

void MakeDirectory(base::Files& files) { ASSERT_TRUE(base::MakeDirs(files, "/d").ok()); }

TEST(SqliteVfs, ReadersSeeWhatTheWriterCommitted) {
  PowerCutFiles files;
  MakeDirectory(files);
  const SqliteVfs vfs(files);
  Connection writer;
  ASSERT_EQ(writer.Ask("PRAGMA journal_mode=WAL"), "wal");
  ASSERT_EQ(writer.Run("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (7)"), SQLITE_OK);
  Connection reader(SQLITE_OPEN_READONLY);
  EXPECT_EQ(reader.Ask("SELECT id FROM t"), "7");
  ASSERT_EQ(writer.Run("BEGIN; UPDATE t SET id = 8"), SQLITE_OK);
  EXPECT_EQ(reader.Ask("SELECT id FROM t"), "7");
  Connection other;
  EXPECT_EQ(other.Run("UPDATE t SET id = 9"), SQLITE_BUSY);
  ASSERT_EQ(writer.Run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_OK);
  EXPECT_EQ(reader.Ask("SELECT id FROM t"), "8");
}

TEST(SqliteVfs, RollbackJournalsLockOutSecondWriters) {
  PowerCutFiles files;
  MakeDirectory(files);
  const SqliteVfs vfs(files);
  Connection first;
  ASSERT_EQ(first.Run("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1); BEGIN IMMEDIATE; "
                      "UPDATE t SET id = 2"),
            SQLITE_OK);
  Connection second;
  EXPECT_EQ(second.Run("BEGIN IMMEDIATE"), SQLITE_BUSY);
  EXPECT_EQ(second.Ask("SELECT id FROM t"), "1");
  ASSERT_EQ(first.Run("ROLLBACK"), SQLITE_OK);
  EXPECT_EQ(second.Run("UPDATE t SET id = 3"), SQLITE_OK);
  EXPECT_EQ(first.Ask("SELECT id FROM t"), "3");
}

TEST(SqliteVfs, AcknowledgedCommitsSurviveAPowerCutAtEveryOperation) {
  int cut_short = 0;
  for (uint64_t n = 0;; ++n) {
    bool finished = false;
    for (uint64_t seed = 0; seed < 6; ++seed) {
      PowerCutFiles files;
      MakeDirectory(files);
      const SqliteVfs vfs(files);
      files.TurnOffAfter(n);
      const int acknowledged = CommitRows("FULL");
      finished = !files.off();
      files.PowerCut(seed);
      const int found = RowsFound();
      ASSERT_GE(found, acknowledged) << "after " << n << " operations, seed " << seed;
      ASSERT_LE(found, acknowledged + 1) << "after " << n << " operations, seed " << seed;
      if (acknowledged < kRows) ++cut_short;
    }
    if (finished) break;
    ASSERT_LT(n, 2000U);
  }
  EXPECT_GT(cut_short, 100);
}

TEST(SqliteVfs, WithoutSyncsThePowerCutsLoseCommits) {
  int losses = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    PowerCutFiles files;
    MakeDirectory(files);
    const SqliteVfs vfs(files);
    const int acknowledged = CommitRows("OFF");
    ASSERT_EQ(acknowledged, kRows);
    files.PowerCut(seed);
    if (RowsFound() < acknowledged) ++losses;
  }
  EXPECT_GT(losses, 10);
}

TEST(SqliteVfs, AcknowledgedCommitsSurviveAFailureOfEveryOperation) {
  for (const int error : {EIO, ENOSPC}) {
    for (uint64_t n = 1;; ++n) {
      PowerCutFiles disk;
      MakeDirectory(disk);
      FailingFiles files(disk);
      const SqliteVfs vfs(files);
      files.FailNth(n, kChangingOps, error);
      const int acknowledged = CommitRows("FULL");
      const bool failed = files.failed();
      files.FailNth(0, {}, 0);
      ASSERT_GE(RowsFound(), acknowledged) << "operation " << n;
      if (!failed) {
        EXPECT_EQ(acknowledged, kRows);
        EXPECT_GT(n, 20U);
        break;
      }
    }
  }
}

}  // namespace
}  // namespace gradus::test_support
