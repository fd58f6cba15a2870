// SPDX-License-Identifier: Apache-2.0
#include "server/data_folder.h"

#include <gtest/gtest.h>

#include "tests/support/power_cut_files.h"

namespace gradus::server {
namespace {

TEST(DataFolder, OneThatAKilledStartMadeSurvivesThePowerCutThatFollows) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    test_support::PowerCutFiles files;
    ASSERT_TRUE(files.MakeDir("/data", 0700).ok());
    {
      const auto folder = DataFolder::Open(files, "/data");
      ASSERT_TRUE(folder.ok()) << folder.status();
    }
    files.PowerCut(seed);
    EXPECT_TRUE(files.Exists("/data").value_or(false)) << "seed " << seed;
  }
}

TEST(DataFolder, ASecondServerIsKeptOut) {
  test_support::PowerCutFiles files;
  const auto folder = DataFolder::Open(files, "/data");
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_TRUE(absl::IsFailedPrecondition(DataFolder::Open(files, "/data").status()));
}

}  // namespace
}  // namespace gradus::server
