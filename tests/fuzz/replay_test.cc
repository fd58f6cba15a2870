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

const char* const kSeeds = std::getenv("GRADUS_FUZZ_SEEDS");

std::vector<fs::path> FilesOf(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string BytesOf(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// In memory of just that size, so that a sanitizer sees what is read behind the end.
absl::Status Replay(const FuzzTarget& target, const std::string& bytes) {
  const std::vector<char> copy(bytes.begin(), bytes.end());
  return target.run(std::as_bytes(std::span<const char>(copy)));
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const FuzzTarget* target : Table()) names.emplace_back(target->name);
  return names;
}

// One target; parameters are names since these show in lists of tests.
class Replayed : public ::testing::TestWithParam<std::string> {
 protected:
  const FuzzTarget& target() const {
    return **std::ranges::find(Table(), GetParam(), &FuzzTarget::name);
  }
};

class Regressions : public Replayed {};

// But for those files whose names begin with taken_: they are whole, and were once too much.
TEST_P(Regressions, AreRefusedWithAReason) {
  const std::vector<fs::path> files = FilesOf(fs::path(GRADUS_FUZZ_REGRESSIONS) / GetParam());
  EXPECT_FALSE(files.empty());
  for (const fs::path& file : files) {
    const absl::Status status = Replay(target(), BytesOf(file));
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

class Seeds : public Replayed {
 protected:
  std::vector<fs::path> files() const { return FilesOf(fs::path(kSeeds) / GetParam()); }
};

TEST_P(Seeds, AreTaken) {
  EXPECT_FALSE(files().empty());
  for (const fs::path& file : files()) {
    const absl::Status status = Replay(target(), BytesOf(file));
    EXPECT_TRUE(status.ok()) << file << ": " << status;
  }
}

// A lost connection leaves such files. A job's text may be whole all the same.
TEST_P(Seeds, CutAnywhereDoNoHarm) {
  ASSERT_FALSE(files().empty());
  const std::vector<fs::path> all = files();
  const fs::path smallest =
      *std::ranges::min_element(all, {}, [](const fs::path& file) { return fs::file_size(file); });
  const std::string bytes = BytesOf(smallest);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const absl::Status status = Replay(target(), bytes.substr(0, size));
    EXPECT_TRUE(status.ok() || !status.message().empty()) << smallest << " cut to " << size;
  }
}

constexpr auto kNameOf = [](const auto& replayed) { return replayed.param; };
INSTANTIATE_TEST_SUITE_P(Targets, Regressions, ::testing::ValuesIn(Names()), kNameOf);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Seeds);
INSTANTIATE_TEST_SUITE_P(Targets, Seeds,
                         ::testing::ValuesIn(kSeeds == nullptr ? std::vector<std::string>()
                                                               : Names()),
                         kNameOf);

}  // namespace
}  // namespace gradus::fuzz
