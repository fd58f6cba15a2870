// SPDX-License-Identifier: Apache-2.0
#include "server/worker/spool.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/support/failing_files.h"
#include "tests/support/temp_dir.h"

namespace gradus::worker {
namespace {

TEST(Spool, GivesRecordsInTheirOrderAndEmptiesItsFile) {
  test_support::TempDir dir;
  Spool spool(base::RealFiles(), dir / "spool");
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i)
      ASSERT_TRUE(spool.Push(std::string(static_cast<size_t>(i), 'a')).ok());
    for (int i = 0; i < 100; ++i) EXPECT_EQ(spool.Pop()->size(), static_cast<size_t>(i));
    EXPECT_TRUE(spool.empty());
    EXPECT_EQ(base::RealFiles().Size(dir / "spool").value(), 0U);
  }
}

TEST(Spool, KeepsWhatItTookBeforeAWriteFailed) {
  test_support::TempDir dir;
  test_support::FailingFiles files(base::RealFiles());
  Spool spool(files, dir / "spool");
  ASSERT_TRUE(spool.Push("one").ok());
  const test_support::FileOp writes[] = {test_support::FileOp::kWrite};
  files.FailNth(1, writes, ENOSPC);
  EXPECT_FALSE(spool.Push("two").ok());
  EXPECT_FALSE(spool.Push("three").ok());
  EXPECT_EQ(spool.Pop().value(), "one");
  EXPECT_TRUE(spool.empty());
}

}  // namespace
}  // namespace gradus::worker
