// SPDX-License-Identifier: Apache-2.0
#include "client/cli/job_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/status.h"
#include "tests/unit/client/lib/testing.h"

namespace gradus::cli {
namespace {

using ::testing::HasSubstr;

TEST(JobFile, SettingsAreAppliedInTheirOrder) {
  const testing::Folder folder;
  const auto spec = ReadJobFile(folder.Write("a.yaml", "name: a\nfit: {epochs: 3}\n"),
                                {"fit.seed=1", "fit.seed=2", "name=b"});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->fit().seed(), 2u);
  EXPECT_EQ(spec->fit().epochs(), 3);
  EXPECT_EQ(spec->name(), "b");
}

TEST(JobFile, ErrorsNameTheFileOrTheSetting) {
  const testing::Folder folder;
  const std::string good = folder.Write("good.yaml", "name: a\n");
  const std::string bad = folder.Write("bad.yaml", "nme: a\n");
  EXPECT_THAT(std::string(ReadJobFile(bad, {}).status().message()),
              HasSubstr("bad.yaml: line 1: nme: unknown key; did you mean \"name\"?"));
  EXPECT_EQ(support::ExitCode(ReadJobFile(bad, {}).status()), 1);
  const absl::Status setting = ReadJobFile(good, {"fit.sed=1"}).status();
  EXPECT_EQ(setting.message(), "--set fit.sed: unknown key; did you mean \"seed\"?");
  EXPECT_EQ(support::ExitCode(setting), 2);
  EXPECT_EQ(ReadJobFile(folder / "none", {}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(ReadJobFile("/dev/zero", {}).ok());
}

}  // namespace
}  // namespace gradus::cli
