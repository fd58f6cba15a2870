// SPDX-License-Identifier: Apache-2.0
// What fuzzers start from and what they found, without a fuzzer: it runs wherever tests do.
// GRADUS_FUZZ_SEEDS names the folder that make_seeds.py wrote; seeds_test.py sets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> FilesOf(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

absl::Status Replay(const FuzzTarget& target, const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  // Of its own, so that a sanitizer sees what is read behind the end.
  const std::vector<char> copy(bytes.begin(), bytes.end());
  return target.run(std::as_bytes(std::span<const char>(copy)));
}

class Replayed : public ::testing::TestWithParam<const FuzzTarget*> {
 protected:
  std::string name() const { return std::string(GetParam()->name); }
};

// But for those files whose names begin with taken_: they are whole, and were once too much.
TEST_P(Replayed, RegressionsAreRefusedWithAReason) {
  const std::vector<fs::path> files = FilesOf(fs::path(GRADUS_FUZZ_REGRESSIONS) / name());
  EXPECT_FALSE(files.empty());
  for (const fs::path& file : files) {
    const absl::Status status = Replay(*GetParam(), file);
    if (absl::StartsWith(file.filename().string(), "taken_")) {
      EXPECT_TRUE(status.ok()) << file << ": " << status;
      continue;
    }
    EXPECT_THAT(
        status.code(),
        ::testing::AnyOf(absl::StatusCode::kInvalidArgument, absl::StatusCode::kResourceExhausted,
                         absl::StatusCode::kDataLoss, absl::StatusCode::kUnimplemented))
        << file << ": " << status;
    EXPECT_FALSE(status.message().empty()) << file;
  }
}

TEST_P(Replayed, SeedsAreTaken) {
  const char* const seeds = std::getenv("GRADUS_FUZZ_SEEDS");
  if (seeds == nullptr) GTEST_SKIP() << "seeds_test.py makes them";
  const std::vector<fs::path> files = FilesOf(fs::path(seeds) / name());
  EXPECT_FALSE(files.empty());
  for (const fs::path& file : files) {
    const absl::Status status = Replay(*GetParam(), file);
    EXPECT_TRUE(status.ok()) << file << ": " << status;
  }
}

// A cut file is one that a lost connection leaves: never a crash, and where a target is one file by
// itself, a reason.
TEST_P(Replayed, SeedsCutAnywhereDoNoHarm) {
  const char* const seeds = std::getenv("GRADUS_FUZZ_SEEDS");
  if (seeds == nullptr) GTEST_SKIP() << "seeds_test.py makes them";
  const std::vector<fs::path> files = FilesOf(fs::path(seeds) / name());
  ASSERT_FALSE(files.empty());
  const auto smallest = std::min_element(
      files.begin(), files.end(),
      [](const fs::path& a, const fs::path& b) { return fs::file_size(a) < fs::file_size(b); });
  std::ifstream stream(*smallest, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const absl::Status status = GetParam()->run(std::as_bytes(std::span<const char>(cut)));
    EXPECT_TRUE(status.ok() || !status.message().empty()) << *smallest << " cut to " << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Replayed, ::testing::ValuesIn(Table().begin(), Table().end()),
                         [](const auto& replayed) { return std::string(replayed.param->name); });

}  // namespace
}  // namespace gradus::fuzz
