// SPDX-License-Identifier: Apache-2.0
#include "internal/file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "internal/sha256.h"
#include "tests/unit/client/lib/testing.h"

namespace gradus::internal {
namespace {

TEST(File, AnAtomicWriteReplacesAndLeavesNothingElse) {
  const testing::Folder folder;
  folder.Write("a", "old");
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "new", 0600).ok());
  EXPECT_EQ(folder.Read("a"), "new");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / ""))
    files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 1);
}

TEST(File, AFailedWriteLeavesTheOldFile) {
  const testing::Folder folder;
  std::filesystem::create_directories(folder / "target/inside");
  EXPECT_FALSE(WriteFileAtomically(folder / "target", "new", 0600)
                   .ok());  // a folder cannot be replaced by a file
  EXPECT_FALSE(WriteFileAtomically(folder / "missing/a", "new", 0600).ok());
  EXPECT_TRUE(std::filesystem::is_directory(folder / "target/inside"));
}

TEST(File, ReadsAtOffsetsAndToTheEnd) {
  const testing::Folder folder;
  const auto file = File::Open(folder.Write("a", "0123456789"));
  ASSERT_TRUE(file.ok());
  char buffer[8];
  EXPECT_EQ(*file->ReadAt(6, buffer), 4u);
  EXPECT_EQ(std::string(buffer, 4), "6789");
  EXPECT_EQ(*file->ReadAt(10, buffer), 0u);
}

TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(Sha256Of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace gradus::internal
