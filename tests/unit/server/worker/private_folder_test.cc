// SPDX-License-Identifier: Apache-2.0
#include "server/worker/private_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/support/temp_dir.h"

namespace gradus::worker {
namespace {

class PrivateFolderTest : public ::testing::Test {
 protected:
  void ExpectRefused(const std::string& path) {
    EXPECT_EQ(MakePrivateFolder(path).code(), absl::StatusCode::kPermissionDenied);
  }
  test_support::TempDir dir_;
};

TEST_F(PrivateFolderTest, IsMadeForThisUserAloneAndFoundAgain) {
  const std::string path = dir_ / "a/b";
  for (int i = 0; i < 2; ++i) {
    const absl::Status made = MakePrivateFolder(path);
    ASSERT_TRUE(made.ok()) << made;
  }
  struct stat info;
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(PrivateFolderTest, OneThatIsOpenToOthersIsRefused) {
  for (const mode_t mode : {0701, 0710, 0755, 0777}) {
    const std::string path = dir_ / std::to_string(mode);
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    ExpectRefused(path);
  }
}

TEST_F(PrivateFolderTest, ALinkIsRefusedWhateverItLeadsTo) {
  ASSERT_EQ(::mkdir((dir_ / "mine").c_str(), 0700), 0);
  ASSERT_EQ(::symlink((dir_ / "mine").c_str(), (dir_ / "link").c_str()), 0);
  ASSERT_EQ(::symlink((dir_ / "nowhere").c_str(), (dir_ / "dangling").c_str()), 0);
  ExpectRefused(dir_ / "link");
  ExpectRefused(dir_ / "link/");
  ExpectRefused(dir_ / "dangling");
}

TEST_F(PrivateFolderTest, AFileIsRefused) {
  ASSERT_EQ(::symlink("/dev/null", (dir_ / "file").c_str()), 0);
  ExpectRefused(dir_ / "file");
  ExpectRefused("/dev/null");
}

TEST_F(PrivateFolderTest, AnotherUsersIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  const std::string path = dir_ / "theirs";
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
  ExpectRefused(path);
}

}  // namespace
}  // namespace gradus::worker
