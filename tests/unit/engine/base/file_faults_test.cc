// SPDX-License-Identifier: Apache-2.0
// Atomic replacement holds when any operation fails and when the power goes at any moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

#include "engine/base/file_ops.h"
#include "engine/base/status.h"
#include "tests/support/failing_files.h"
#include "tests/support/power_cut_files.h"

namespace gradus::base {
namespace {

using test_support::FailingFiles;
using test_support::FileOp;
using test_support::kChangingOps;
using test_support::PowerCutFiles;

const std::string kOld(1500, 'o');
const std::string kNew(2500, 'n');

std::string Content(Files& files) { return ReadFile(files, "d/f", 1 << 20).value_or("MISSING"); }

TEST(WriteFileAtomically, FailingTheNthOperationLeavesOldOrNew) {
  for (const int error : {EIO, ENOSPC}) {
    uint64_t n = 1;
    for (;; ++n) {
      PowerCutFiles disk;
      ASSERT_TRUE(MakeDirs(disk, "d").ok());
      ASSERT_TRUE(WriteFileAtomically(disk, "d/f", kOld).ok());
      FailingFiles files(disk);
      files.FailNth(n, kChangingOps, error);
      const absl::Status status = WriteFileAtomically(files, "d/f", kNew);
      EXPECT_EQ(status.ok(), !files.failed());
      EXPECT_EQ(files.retried_syncs(), 0U);
      EXPECT_THAT(Content(disk), ::testing::AnyOf(kOld, kNew));
      EXPECT_THAT(*disk.List("d"), ::testing::ElementsAre("f"))
          << "a temporary file was left behind";
      if (!files.failed()) break;
    }
    EXPECT_EQ(n, 6U) << "create, write, sync, rename, sync of the directory";
  }
}

TEST(WriteFileAtomically, WhatWasAcknowledgedSurvivesEveryPowerCut) {
  std::set<std::string> seen;
  for (uint64_t n = 0; n <= 6; ++n) {
    for (uint64_t seed = 0; seed < 200; ++seed) {
      PowerCutFiles files;
      ASSERT_TRUE(MakeDirs(files, "d").ok());
      ASSERT_TRUE(WriteFileAtomically(files, "d/f", kOld).ok());
      files.TurnOffAfter(n);
      const bool acknowledged = WriteFileAtomically(files, "d/f", kNew).ok();
      files.PowerCut(seed);
      const std::string content = Content(files);
      seen.insert(content);
      if (acknowledged) {
        ASSERT_EQ(content, kNew) << n << " " << seed;
      } else {
        ASSERT_TRUE(content == kOld || content == kNew) << n << " " << seed;
      }
    }
  }
  EXPECT_EQ(seen.size(), 2U) << "the cuts never hit the moment";
}

// The three below show that the rig would catch what WriteFileAtomically does right.
absl::Status WriteWithoutSync(Files& files, bool sync_file, bool sync_dir) {
  ASSIGN_OR_RETURN(TemporaryFile temporary, files.CreateTemporary("d"));
  RETURN_IF_ERROR(temporary.file->Append(AsBytes(kNew)));
  if (sync_file) RETURN_IF_ERROR(temporary.file->Sync());
  RETURN_IF_ERROR(files.Rename(temporary.path, "d/f"));
  return sync_dir ? files.SyncDir("d") : absl::OkStatus();
}

int LossesIn200Cuts(bool sync_file, bool sync_dir) {
  int losses = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    PowerCutFiles files;
    EXPECT_TRUE(MakeDirs(files, "d").ok());
    EXPECT_TRUE(WriteFileAtomically(files, "d/f", kOld).ok());
    EXPECT_TRUE(WriteWithoutSync(files, sync_file, sync_dir).ok());
    files.PowerCut(seed);
    if (Content(files) != kNew) ++losses;
  }
  return losses;
}

TEST(PowerCutFiles, AFileThatWasNotSyncedMayBeTorn) { EXPECT_GT(LossesIn200Cuts(false, true), 20); }

TEST(PowerCutFiles, ANameThatWasNotSyncedMayVanish) { EXPECT_GT(LossesIn200Cuts(true, false), 20); }

TEST(PowerCutFiles, WhatWasSyncedIsNeverLost) { EXPECT_EQ(LossesIn200Cuts(true, true), 0); }

TEST(PowerCutFiles, TearsAtSectors) {
  bool torn = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    PowerCutFiles files;
    const std::unique_ptr<File> file = *files.OpenWrite(
        "f", OpenOptions{.create = true, .exclusive = false, .truncate = false, .mode = 0600});
    ASSERT_TRUE(file->Append(AsBytes(std::string(2048, 'a'))).ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(files.SyncDir("/").ok());
    ASSERT_TRUE(file->WriteAt(0, AsBytes(std::string(2048, 'b'))).ok());
    files.PowerCut(seed);
    const std::string content = *ReadFile(files, "f", 4096);
    ASSERT_EQ(content.size(), 2048U);
    for (size_t sector = 0; sector < 4; ++sector) {
      const std::string part = content.substr(sector * 512, 512);
      ASSERT_TRUE(part == std::string(512, 'a') || part == std::string(512, 'b'));
    }
    torn =
        torn || (content.find('a') != std::string::npos && content.find('b') != std::string::npos);
  }
  EXPECT_TRUE(torn);
}

TEST(PowerCutFiles, TheSameSeedCutsTheSameWay) {
  std::set<std::string> contents;
  for (int run = 0; run < 2; ++run) {
    PowerCutFiles files;
    ASSERT_TRUE(WriteFileAtomically(files, "f", std::string(100000, 'a')).ok());
    const std::unique_ptr<File> file = *files.OpenWrite("f", OpenOptions{});
    ASSERT_TRUE(file->WriteAt(100, AsBytes(std::string(99000, 'b'))).ok());
    files.PowerCut(2);
    contents.insert(*ReadFile(files, "f", 1 << 20));
  }
  EXPECT_EQ(contents.size(), 1U);
}

TEST(PowerCutFiles, WhatWasOpenIsDeadAfterTheCut) {
  PowerCutFiles files;
  ASSERT_TRUE(WriteFileAtomically(files, "f", "1").ok());
  const std::unique_ptr<File> file = *files.OpenWrite("f", OpenOptions{});
  const std::unique_ptr<FileLock> lock = *files.Lock("lock");
  files.TurnOffAfter(0);
  EXPECT_TRUE(absl::IsUnavailable(file->WriteAt(0, AsBytes("2"))));
  EXPECT_TRUE(files.off());
  EXPECT_TRUE(absl::IsUnavailable(files.OpenRead("f").status()));
  files.PowerCut(0);
  EXPECT_FALSE(files.off());
  EXPECT_TRUE(absl::IsUnavailable(file->WriteAt(0, AsBytes("2"))));
  EXPECT_TRUE(files.OpenRead("f").ok());
  EXPECT_TRUE(files.Lock("lock").ok());
}

TEST(FailingFiles, CountsAndStaysBrokenWhenTold) {
  PowerCutFiles disk;
  FailingFiles files(disk);
  const std::unique_ptr<File> file = *files.OpenWrite(
      "f", OpenOptions{.create = true, .exclusive = false, .truncate = false, .mode = 0600});
  constexpr FileOp kSync[] = {FileOp::kSync};
  files.FailNth(2, kSync, EIO, FailingFiles::Then::kStaysBroken);
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(file->Sync().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(files.retried_syncs(), 0U);
  EXPECT_EQ(file->Sync().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(files.retried_syncs(), 1U);
  EXPECT_EQ(files.count(FileOp::kSync), 3U);
}

TEST(FailingFiles, AFailedWriteHasWrittenItsFirstHalf) {
  PowerCutFiles disk;
  FailingFiles files(disk);
  const std::unique_ptr<File> file = *files.OpenWrite(
      "f", OpenOptions{.create = true, .exclusive = false, .truncate = false, .mode = 0600});
  constexpr FileOp kWrite[] = {FileOp::kWrite};
  files.FailNth(1, kWrite, ENOSPC);
  EXPECT_EQ(file->Append(AsBytes("123456")).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(*ReadFile(disk, "f", 10), "123");
}

}  // namespace
}  // namespace gradus::base
