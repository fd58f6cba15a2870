// SPDX-License-Identifier: Apache-2.0
// Failpoints do what the environment says, and a misspelt one does not pass unnoticed.
#include "engine/base/failpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>

namespace gradus::base {
namespace {

constexpr char kName[] = "base.files.before_rename";

// Each in a child of its own: the environment is read once a process.
void InChild(const std::string& setting, const std::function<bool()>& body) {
  ::setenv("GRADUS_FAILPOINTS", setting.c_str(), 1);
  std::_Exit(body() ? 0 : 1);
}

absl::Status Reach() { return HitFailpoint(FailpointIndex(kName)); }

class FailpointDeathTest : public testing::Test {
 protected:
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST(Failpoint, NamesAreSortedAndUnique) {
  const std::span<const std::string_view> names = FailpointNames();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(Failpoint, IsSilentWithoutASetting) { EXPECT_TRUE(Reach().ok()); }

TEST_F(FailpointDeathTest, Kills) {
  EXPECT_EXIT(InChild(std::string(kName) + "=kill", [] { return Reach().ok(); }),
              testing::KilledBySignal(SIGKILL), "");
}

TEST_F(FailpointDeathTest, KillsAtTheNthHitOnly) {
  const std::string setting = std::string(kName) + "=kill@3";
  EXPECT_EXIT(InChild(setting, [] { return Reach().ok() && Reach().ok(); }),
              testing::ExitedWithCode(0), "");
  EXPECT_EXIT(InChild(setting, [] { return Reach().ok() && Reach().ok() && Reach().ok(); }),
              testing::KilledBySignal(SIGKILL), "");
}

TEST_F(FailpointDeathTest, ReturnsTheErrorOfTheCode) {
  EXPECT_EXIT(InChild(std::string(kName) + "=error:5",
                      [] { return absl::IsNotFound(Reach()) && absl::IsNotFound(Reach()); }),
              testing::ExitedWithCode(0), "");
  EXPECT_EXIT(InChild(std::string("base.files.before_sync_file=sleep:1us;") + kName + "=error@2",
                      [] { return Reach().ok() && absl::IsUnavailable(Reach()) && Reach().ok(); }),
              testing::ExitedWithCode(0), "");
}

TEST_F(FailpointDeathTest, Sleeps) {
  EXPECT_EXIT(InChild(std::string(kName) + "=sleep:50ms",
                      [] {
                        const auto start = std::chrono::steady_clock::now();
                        const bool ok = Reach().ok();
                        return ok && std::chrono::steady_clock::now() - start >=
                                         std::chrono::milliseconds(50);
                      }),
              testing::ExitedWithCode(0), "");
}

TEST_F(FailpointDeathTest, MisspeltSettingsEndTheProcess) {
  for (const char* setting :
       {"no.such.point=kill", "base.files.before_rename", "base.files.before_rename=explode",
        "base.files.before_rename=error:99", "base.files.before_rename=sleep",
        "base.files.before_rename=kill@0", "base.files.before_rename=kill@x"}) {
    EXPECT_EXIT(InChild(setting, [] { return Reach().ok(); }), testing::ExitedWithCode(2),
                "GRADUS_FAILPOINTS")
        << setting;
  }
}

}  // namespace
}  // namespace gradus::base
