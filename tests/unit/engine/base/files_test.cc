// SPDX-License-Identifier: Apache-2.0
// Every tree of files behaves alike: the machine's, one below a root, the one in memory, and one
// that passes on.
#include "engine/base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "engine/base/file_ops.h"
#include "tests/support/failing_files.h"
#include "tests/support/power_cut_files.h"
#include "tests/support/temp_dir.h"

namespace gradus::base {
namespace {

using test_support::FailingFiles;
using test_support::PowerCutFiles;
using test_support::TempDir;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr OpenOptions kCreate{.create = true, .exclusive = false, .truncate = false, .mode = 0600};
constexpr OpenOptions kCreateNew{
    .create = true, .exclusive = true, .truncate = false, .mode = 0600};

// A tree and the directory in it that a test has to itself.
class FilesTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "machine") {
      files_ = &RealFiles();
      dir_ = temp_.path();
      return;
    }
    if (GetParam() == "root") {
      owned_ = *OpenRoot(temp_.path());
    } else {
      owned_ = std::make_unique<PowerCutFiles>();
    }
    files_ = owned_.get();
    if (GetParam() == "failing") files_ = &failing_.emplace(*owned_);
    dir_ = "d";
    ASSERT_TRUE(files_->MakeDir(dir_).ok());
  }

  std::string In(const std::string& name) const { return JoinPath(dir_, name); }
  std::string Read(const std::string& name) {
    return ReadFile(*files_, In(name), 1 << 20).value_or("ERROR");
  }

  TempDir temp_;
  std::unique_ptr<Files> owned_;
  std::optional<FailingFiles> failing_;
  Files* files_ = nullptr;
  std::string dir_;
};
INSTANTIATE_TEST_SUITE_P(Trees, FilesTest,
                         ::testing::Values("machine", "root", "memory", "failing"),
                         [](const auto& tree) { return tree.param; });

TEST_P(FilesTest, ReadsBackWhatWasWritten) {
  const std::unique_ptr<File> file = *files_->OpenWrite(In("a"), kCreate);
  ASSERT_TRUE(file->Append(AsBytes("hello")).ok());
  ASSERT_TRUE(file->WriteAt(8, AsBytes("xy")).ok());
  ASSERT_TRUE(file->Append(AsBytes("!")).ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(*file->Size(), 11U);
  EXPECT_EQ(Read("a"), std::string("hello\0\0\0xy!", 11));
}

TEST_P(FilesTest, ReadsShortOnlyAtTheEnd) {
  ASSERT_TRUE(WriteFileAtomically(*files_, In("a"), "12345").ok());
  const std::unique_ptr<File> file = *files_->OpenRead(In("a"));
  std::array<std::byte, 4> bytes;
  EXPECT_EQ(*file->ReadAt(0, bytes), 4U);
  EXPECT_EQ(*file->ReadAt(3, bytes), 2U);
  EXPECT_EQ(*file->ReadAt(5, bytes), 0U);
  EXPECT_EQ(*file->ReadAt(99, bytes), 0U);
}

TEST_P(FilesTest, TruncatesBothWays) {
  ASSERT_TRUE(WriteFileAtomically(*files_, In("a"), "12345").ok());
  ASSERT_TRUE(files_->Truncate(In("a"), 2).ok());
  EXPECT_EQ(Read("a"), "12");
  ASSERT_TRUE(files_->Truncate(In("a"), 3).ok());
  EXPECT_EQ(Read("a"), std::string("12\0", 3));
  ASSERT_TRUE(
      files_
          ->OpenWrite(
              In("a"),
              OpenOptions{.create = true, .exclusive = false, .truncate = true, .mode = 0600})
          .ok());
  EXPECT_EQ(*files_->Size(In("a")), 0U);
}

TEST_P(FilesTest, MissingThingsAreNotFound) {
  EXPECT_TRUE(absl::IsNotFound(files_->OpenRead(In("no")).status()));
  EXPECT_TRUE(absl::IsNotFound(files_->OpenWrite(In("no"), OpenOptions{}).status()));
  EXPECT_TRUE(absl::IsNotFound(files_->Stat(In("no")).status()));
  EXPECT_TRUE(absl::IsNotFound(files_->Remove(In("no"))));
  EXPECT_TRUE(absl::IsNotFound(files_->Rename(In("no"), In("b"))));
  EXPECT_TRUE(absl::IsNotFound(files_->OpenWrite(In("no/a"), kCreate).status()));
  EXPECT_FALSE(*files_->Exists(In("no")));
}

TEST_P(FilesTest, ExclusiveCreationRefusesWhatIsThere) {
  ASSERT_TRUE(files_->OpenWrite(In("a"), kCreateNew).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(files_->OpenWrite(In("a"), kCreateNew).status()));
}

TEST_P(FilesTest, RenameReplaces) {
  ASSERT_TRUE(WriteFileAtomically(*files_, In("a"), "new").ok());
  ASSERT_TRUE(WriteFileAtomically(*files_, In("b"), "old").ok());
  ASSERT_TRUE(files_->Rename(In("a"), In("b")).ok());
  EXPECT_EQ(Read("b"), "new");
  EXPECT_THAT(*files_->List(dir_), ElementsAre("b"));
}

TEST_P(FilesTest, DirectoriesAreMadeListedAndRemoved) {
  ASSERT_TRUE(MakeDirs(*files_, In("x/y/z")).ok());
  ASSERT_TRUE(MakeDirs(*files_, In("x/y/z")).ok());
  ASSERT_TRUE(WriteFileAtomically(*files_, In("x/y/f"), "1").ok());
  EXPECT_THAT(*files_->List(In("x/y")), ElementsAre("f", "z"));
  EXPECT_TRUE(files_->Stat(In("x/y"))->is_directory);
  EXPECT_FALSE(files_->Remove(In("x")).ok()) << "not empty";
  EXPECT_FALSE(MakeDirs(*files_, In("x/y/f/g")).ok()) << "a file is in the way";
  EXPECT_TRUE(files_->MakeDir(In("x")).ok()) << "is there already";
  EXPECT_FALSE(files_->MakeDir(In("x/y/f")).ok());
  ASSERT_TRUE(RemoveTree(*files_, In("x")).ok());
  EXPECT_THAT(*files_->List(dir_), IsEmpty());
  EXPECT_TRUE(RemoveTree(*files_, In("x")).ok());
}

TEST_P(FilesTest, MapsAWholeFile) {
  ASSERT_TRUE(WriteFileAtomically(*files_, In("a"), "12345").ok());
  ASSERT_TRUE(WriteFileAtomically(*files_, In("empty"), "").ok());
  MappedFile first = *files_->Map(In("a"));
  const MappedFile moved = std::move(first);
  EXPECT_EQ(std::to_integer<char>(moved.bytes()[4]), '5');
  EXPECT_EQ(moved.size(), 5U);
  EXPECT_EQ(first.size(), 0U);
  EXPECT_EQ(files_->Map(In("empty"))->size(), 0U);
}

TEST_P(FilesTest, ALockHasOneHolder) {
  std::unique_ptr<FileLock> lock = *files_->Lock(In("lock"));
  EXPECT_TRUE(absl::IsFailedPrecondition(files_->Lock(In("lock")).status()));
  lock.reset();
  EXPECT_TRUE(files_->Lock(In("lock")).ok());
}

TEST_P(FilesTest, OnlyRegularFilesAreOpened) {
  EXPECT_FALSE(files_->OpenRead(dir_).ok());
  EXPECT_FALSE(files_->OpenWrite(dir_, OpenOptions{}).ok());
  EXPECT_FALSE(files_->Map(dir_).ok());
}

TEST_P(FilesTest, AtomicWritesLeaveNoTemporaryFiles) {
  ASSERT_TRUE(WriteFileAtomically(*files_, In("a"), "1").ok());
  ASSERT_TRUE(WriteFileAtomically(*files_, In("a"), "2").ok());
  ASSERT_TRUE(files_->MakeDir(In("dir")).ok());
  ASSERT_TRUE(files_->OpenWrite(In("dir/child"), kCreate).ok());
  EXPECT_FALSE(WriteFileAtomically(*files_, In("dir"), "3").ok());
  EXPECT_EQ(Read("a"), "2");
  EXPECT_THAT(*files_->List(dir_), ElementsAre("a", "dir"));
}

TEST_P(FilesTest, LargeFilesAreRefusedBeforeMemoryIsTaken) {
  ASSERT_TRUE(WriteFileAtomically(*files_, In("a"), "12345").ok());
  EXPECT_EQ(ReadFile(*files_, In("a"), 4).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(ReadFile(*files_, In("a"), 5).ok());
}

TEST(RealFiles, FifosAreRefusedWithoutWaiting) {
  const TempDir temp;
  ASSERT_EQ(::mkfifo((temp / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(RealFiles().OpenRead(temp / "fifo").status()));
}

TEST(RealFiles, NewFilesAreTheOwnersAlone) {
  const TempDir temp;
  ASSERT_TRUE(WriteFileAtomically(RealFiles(), temp / "a", "secret").ok());
  struct stat info;
  ASSERT_EQ(::stat((temp / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(RealFiles, RemoveTreeDoesNotFollowLinks) {
  const TempDir outside;
  const TempDir temp;
  ASSERT_TRUE(WriteFileAtomically(RealFiles(), outside / "keep", "1").ok());
  ASSERT_TRUE(RealFiles().MakeDir(temp / "t").ok());
  ASSERT_EQ(::symlink(outside.path().c_str(), (temp / "t/link").c_str()), 0);
  ASSERT_EQ(::symlink("/nonexistent", (temp / "t/dangling").c_str()), 0);
  ASSERT_TRUE(RemoveTree(RealFiles(), temp / "t").ok());
  EXPECT_TRUE(*RealFiles().Exists(outside / "keep"));
  EXPECT_FALSE(*RealFiles().Exists(temp / "t"));
}

TEST(OpenRoot, NoPathLeavesIt) {
  const TempDir temp;
  ASSERT_TRUE(RealFiles().MakeDir(temp / "root").ok());
  ASSERT_TRUE(RealFiles().MakeDir(temp / "rootless").ok());
  ASSERT_TRUE(WriteFileAtomically(RealFiles(), temp / "rootless/f", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(RealFiles(), temp / "outside", "x").ok());
  ASSERT_EQ(::symlink("../outside", (temp / "root/link").c_str()), 0);
  ASSERT_EQ(::symlink("..", (temp / "root/up").c_str()), 0);
  ASSERT_EQ(::symlink("/proc/self/root", (temp / "root/magic").c_str()), 0);
  ASSERT_EQ(::link((temp / "outside").c_str(), (temp / "root/hard").c_str()), 0);
  const std::unique_ptr<Files> files = *OpenRoot(temp / "root");
  for (const std::string& path :
       {std::string("../outside"), std::string("../rootless/f"), temp / "outside",
        std::string("/etc/passwd"), std::string("link"), std::string("up/outside"),
        std::string("magic/etc/passwd"), std::string("hard"), std::string("x/../../outside"),
        std::string("a\0b", 3), std::string("link\0", 5), std::string("")}) {
    EXPECT_FALSE(files->OpenRead(path).ok()) << path;
    EXPECT_FALSE(
        files
            ->OpenWrite(
                path,
                OpenOptions{.create = true, .exclusive = false, .truncate = true, .mode = 0600})
            .ok())
        << path;
    EXPECT_FALSE(files->Map(path).ok()) << path;
  }
  for (const std::string& path : {std::string("../new"), temp / "new", std::string("up/new")}) {
    EXPECT_FALSE(files->OpenWrite(path, kCreate).ok()) << path;
    EXPECT_FALSE(files->MakeDir(path).ok()) << path;
    EXPECT_FALSE(files->Rename("link", path).ok()) << path;
    EXPECT_FALSE(files->Stat(path).ok()) << path;
    EXPECT_FALSE(files->CreateTemporary(path).ok()) << path;
  }
  EXPECT_FALSE(files->Remove("../outside").ok());
  EXPECT_FALSE(files->List("..").ok());
  EXPECT_EQ(*ReadFile(RealFiles(), temp / "outside", 10), "x");
}

TEST(Paths, ParentAndJoin) {
  EXPECT_EQ(ParentOf("a"), ".");
  EXPECT_EQ(ParentOf("/a"), "/");
  EXPECT_EQ(ParentOf("/"), "/");
  EXPECT_EQ(ParentOf("a/b/"), "a");
  EXPECT_EQ(ParentOf("a//b"), "a");
  EXPECT_EQ(JoinPath("a/", "/b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
}

}  // namespace
}  // namespace gradus::base
