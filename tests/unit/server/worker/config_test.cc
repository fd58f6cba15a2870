// SPDX-License-Identifier: Apache-2.0
#include "server/worker/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace gradus::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<v1::WorkerConfig> Read(const std::string& text) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  EXPECT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(ends[1]);
  return ReadConfig(ends[0]);
}

TEST(ReadConfig, ReadsJsonFromAPipe) {
  const auto config = Read(
      R"({"profile": {"server": "127.0.0.1:1"}, "job_id": "j1", "attempt": 2, "fence": "7", "work_dir": "/w", "cpus": [0, 1]})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->fence(), 7);
  EXPECT_EQ(config->cpus_size(), 2);
}

TEST(ReadConfig, SaysWhatIsMissing) {
  EXPECT_THAT(std::string(Read("{}").status().message()), HasSubstr("job_id"));
  EXPECT_THAT(std::string(Read(R"({"job_id": "j"})").status().message()), HasSubstr("work_dir"));
  EXPECT_THAT(std::string(Read(R"({"job_id": "j", "work_dir": "/w"})").status().message()),
              HasSubstr("server"));
}

TEST(ReadConfig, NeverRepeatsWhatItWasGiven) {
  const auto config = Read(R"({"profile": {"token": "geheim"}, "unknown": 1)");
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()), Not(HasSubstr("geheim")));
}

TEST(ReadConfig, ADescriptorThatIsNotOpenIsAnError) { EXPECT_FALSE(ReadConfig(987).ok()); }

}  // namespace
}  // namespace gradus::worker
