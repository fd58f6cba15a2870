// SPDX-License-Identifier: Apache-2.0
// The preloaded library fails the call it is told to, in the files it is told to, in programs that
// know nothing of it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "engine/base/file_ops.h"
#include "tests/support/temp_dir.h"

namespace gradus::test_support {
namespace {

class IoFaultPreload : public testing::Test {
 protected:
  // Runs a shell command in the directory with the fault; its exit status.
  int Run(const std::string& fault, const std::string& command, const std::string& program = "") {
    const std::string environment =
        "LD_PRELOAD=" GRADUS_IO_FAULT_LIBRARY " GRADUS_IO_FAULT=" + fault +
        " GRADUS_IO_FAULT_PREFIX=" + dir_.path() +
        (program.empty() ? "" : " GRADUS_IO_FAULT_PROGRAM=" + program) +
        " GRADUS_IO_FAULT_MARK=" + mark_;
    const std::string all = "cd " + dir_.path() + " && env " + environment + " " + command + " 2>" +
                            outside_ / "stderr" + " >" + outside_ / "stdout";
    return WEXITSTATUS(std::system(all.c_str()));
  }
  std::string Read(const std::string& path) {
    return base::ReadFile(base::RealFiles(), path, 1 << 16).value_or("MISSING");
  }
  std::string Mark() { return Read(mark_); }

  TempDir dir_;
  TempDir outside_;
  std::string mark_ = outside_ / "mark";
};

TEST_F(IoFaultPreload, FailsTheNthWrite) {
  Run("write:2:ENOSPC", "sh -c 'echo 1 > a; echo 2 > b; echo 3 > c'");
  EXPECT_EQ(Read(dir_ / "a"), "1\n");
  EXPECT_EQ(Read(dir_ / "b"), "");
  EXPECT_EQ(Read(dir_ / "c"), "3\n");
  EXPECT_EQ(Mark(), "failed " + (dir_ / "b") + "\n");
}

TEST_F(IoFaultPreload, StaysBrokenWhenTold) {
  Run("write:2:EIO:stay", "sh -c 'echo 1 > a; echo 2 > b; echo 3 > c'");
  EXPECT_EQ(Read(dir_ / "a"), "1\n");
  EXPECT_EQ(Read(dir_ / "b") + Read(dir_ / "c"), "");
}

TEST_F(IoFaultPreload, LeavesOtherDirectoriesAlone) {
  EXPECT_EQ(Run("any:1:EIO:stay", "sh -c 'echo 1 > " + (outside_ / "a") + "'"), 0);
  EXPECT_EQ(Read(outside_ / "a"), "1\n");
  EXPECT_EQ(Mark(), "MISSING");
}

TEST_F(IoFaultPreload, LeavesOtherProgramsAlone) {
  EXPECT_EQ(Run("any:1:EIO:stay", "sh -c 'echo 1 > a'", "gradusd"), 0);
  EXPECT_EQ(Read(dir_ / "a"), "1\n");
}

TEST_F(IoFaultPreload, FailsSyncsRenamesAndTruncations) {
  EXPECT_NE(Run("fsync:1:EIO", "dd if=/dev/zero of=a bs=10 count=1 conv=fsync"), 0);
  EXPECT_NE(Run("rename:1:EIO", "mv a b"), 0);
  EXPECT_NE(Run("ftruncate:1:EIO", "truncate -s 5 a"), 0);
  EXPECT_EQ(Read(dir_ / "a").size(), 10U);
  EXPECT_EQ(Mark(), "failed " + (dir_ / "a") + "\nfailed b\nfailed " + (dir_ / "a") + "\n");
}

TEST_F(IoFaultPreload, GivesTheErrorThatWasAskedFor) {
  EXPECT_NE(Run("write:1:ENOSPC", "dd if=/dev/zero of=a bs=10 count=1"), 0);
  EXPECT_NE(Read(outside_ / "stderr").find("No space left"), std::string::npos);
  EXPECT_NE(Run("write:1:EIO", "dd if=/dev/zero of=a bs=10 count=1"), 0);
  EXPECT_NE(Read(outside_ / "stderr").find("Input/output error"), std::string::npos);
}

TEST_F(IoFaultPreload, NotesASyncThatIsTriedAgain) {
  Run("fsync:1:EIO", R"(python3 -c '
import os
fd = os.open("a", os.O_CREAT | os.O_RDWR)
try: os.fdatasync(fd)
except OSError: pass
os.fsync(fd)
os.close(fd)
fd = os.open("b", os.O_CREAT | os.O_RDWR)
os.fsync(fd)')");
  EXPECT_EQ(Mark(), "failed " + (dir_ / "a") + "\nsync retried\n");
}

TEST_F(IoFaultPreload, PassesEverythingOnPastTheLastCall) {
  EXPECT_EQ(Run("any:100:EIO", "sh -c 'echo 1 > a; mv a b; truncate -s 1 b'"), 0);
  EXPECT_EQ(Read(dir_ / "b"), "1");
  EXPECT_EQ(Mark(), "MISSING");
}

TEST_F(IoFaultPreload, RefusesAMisspeltSetting) {
  for (const char* fault :
       {"writes:1:EIO", "write:0:EIO", "write:1:EPERM", "write:1", "write:1:EIO:more"}) {
    EXPECT_EQ(Run(fault, "sh -c 'echo 1 > a'"), 125) << fault;
  }
}

}  // namespace
}  // namespace gradus::test_support
