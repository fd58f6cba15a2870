// SPDX-License-Identifier: Apache-2.0
// A log line is one JSON object, whatever is put in it, and no secret.
#include "engine/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gradus::base {
namespace {

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    SetLogSink([this](std::string_view line) { lines_.emplace_back(line); });
  }
  void TearDown() override {
    SetLogSink(nullptr);
    SetLogLevel(LogLevel::kInfo);
  }
  nlohmann::json Last() const { return nlohmann::json::parse(lines_.back()); }

  std::vector<std::string> lines_;
};

TEST_F(LogTest, ALineHoldsTimeLevelMessageAndFields) {
  LogWarning("job started", {{"job", "j1"},
                             {"attempt", 3},
                             {"bytes", uint64_t{18446744073709551615ULL}},
                             {"ratio", 0.5},
                             {"first", true}});
  ASSERT_EQ(lines_.size(), 1U);
  const nlohmann::json line = Last();
  EXPECT_THAT(line["ts"].get<std::string>(),
              testing::MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z"));
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["msg"], "job started");
  EXPECT_EQ(line["job"], "j1");
  EXPECT_EQ(line["attempt"], 3);
  EXPECT_EQ(line["bytes"], 18446744073709551615ULL);
  EXPECT_EQ(line["ratio"], 0.5);
  EXPECT_EQ(line["first"], true);
}

TEST_F(LogTest, HostileTextStaysOneLineOfJson) {
  LogInfo("x", {{"name", "a\n{\"level\":\"error\"}\x01\xff\"\\ {} %s"}, {"msg", "forged"}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0].find('\n'), std::string::npos);
  EXPECT_EQ(Last()["msg"], "x");
  EXPECT_EQ(Last()["msg_"], "forged");
}

TEST_F(LogTest, SecretsAreRedactedByTheirKey) {
  LogInfo("login", {{"token", "canary"},
                    {"client_key_pem", "canary"},
                    {"Authorization", "canary"},
                    {"user", "u"}});
  EXPECT_EQ(lines_[0].find("canary"), std::string::npos);
  EXPECT_EQ(Last()["user"], "u");
}

TEST_F(LogTest, LevelsBelowTheLeastAreLeftOut) {
  LogDebug("no");
  EXPECT_TRUE(lines_.empty());
  SetLogLevel(*ParseLogLevel("debug"));
  LogDebug("yes");
  EXPECT_EQ(lines_.size(), 1U);
  SetLogLevel(LogLevel::kError);
  LogWarning("no");
  EXPECT_EQ(lines_.size(), 1U);
  EXPECT_FALSE(ParseLogLevel("loud").ok());
}

}  // namespace
}  // namespace gradus::base
