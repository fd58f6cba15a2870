// SPDX-License-Identifier: Apache-2.0
#include "server/watched_files.h"

#include <cerrno>

#include "engine/base/file_ops.h"
#include "engine/base/status.h"
#include "gtest/gtest.h"
#include "tests/support/failing_files.h"
#include "tests/support/power_cut_files.h"

namespace gradus::server {
namespace {

using test_support::FailingFiles;
using test_support::FileOp;

// Everything that the server does to its files; stops at the first error.
absl::Status Work(base::Files& files) {
  RETURN_IF_ERROR(base::MakeDirs(files, "/a"));
  RETURN_IF_ERROR(base::WriteFileAtomically(files, "/a/b", "text"));
  ASSIGN_OR_RETURN(const auto file, files.OpenWrite("/a/b", {.create = true}));
  RETURN_IF_ERROR(file->WriteAt(2, base::AsBytes(std::string("xt"))));
  RETURN_IF_ERROR(file->Truncate(3));
  RETURN_IF_ERROR(file->Sync());
  return files.Remove("/a/b");
}

class WatchedFilesTest : public ::testing::TestWithParam<FileOp> {
 protected:
  // The faults told while the n-th operation of the kind fails; -1 when there are fewer.
  int FaultsTold(uint64_t n, int error_number) {
    test_support::PowerCutFiles disk;
    FailingFiles failing(disk);
    const FileOp ops[] = {GetParam()};
    failing.FailNth(n, ops, error_number);
    int told = 0;
    WatchedFiles files(failing, [&told](const absl::Status&) { ++told; });
    const absl::Status status = Work(files);
    EXPECT_EQ(status.ok(), !failing.failed()) << status;
    return failing.failed() ? told : -1;
  }
};

TEST_P(WatchedFilesTest, AnyChangeThatTheDiskFailsIsTold) {
  uint64_t n = 1;
  for (int told = 0; (told = FaultsTold(n, EIO)) >= 0; ++n) EXPECT_EQ(told, 1) << n;
  EXPECT_GT(n, 1U) << "nothing of the kind was done";
}

TEST_P(WatchedFilesTest, AFullDiskIsNoFaultButForASync) {
  const bool is_sync = GetParam() == FileOp::kSync || GetParam() == FileOp::kSyncDir;
  uint64_t n = 1;
  for (int told = 0; (told = FaultsTold(n, ENOSPC)) >= 0; ++n) EXPECT_EQ(told, is_sync ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(Changes, WatchedFilesTest,
                         ::testing::ValuesIn(test_support::kChangingOps));

TEST(WatchedFiles, AFailedReadIsNoFault) {
  test_support::PowerCutFiles disk;
  ASSERT_TRUE(base::WriteFileAtomically(disk, "/a", "text").ok());
  FailingFiles failing(disk);
  const FileOp reads[] = {FileOp::kRead};
  failing.FailNth(1, reads, EIO);
  int told = 0;
  WatchedFiles files(failing, [&told](const absl::Status&) { ++told; });
  EXPECT_TRUE(absl::IsDataLoss(base::ReadFile(files, "/a", 100).status()));
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace gradus::server
