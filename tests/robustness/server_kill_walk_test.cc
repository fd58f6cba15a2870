// SPDX-License-Identifier: Apache-2.0
// gradusd is killed at every failpoint that the tree has, and nothing that it promised is lost
// (GUARANTEES.md, G1, G5, G10, G12).
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/robustness/server_kill_script.h"
#include "tests/robustness/test_form.h"

namespace gradus::test {
namespace {

// Failpoints that gradusd itself never passes.
bool IsElsewhere(std::string_view failpoint) {
  // gradus-worker's: worker_kill_test.cc walks them.
  if (failpoint.starts_with("trainer.")) return true;
  // The parsing child's: AParserThatDiesHarmsItsUploadAlone. That of a node without the server's
  // blobs: worker_program_test.cc.
  return failpoint == "worker.parse.before_answer" ||
         failpoint == "worker.node_cache.before_rename";
}

std::vector<std::string_view> Failpoints(bool elsewhere) {
  std::vector<std::string_view> names;
  for (const std::string_view name : base::FailpointNames()) {
    if (IsElsewhere(name) == elsewhere) names.push_back(name);
  }
  return names;
}

Environment KillAt(std::string_view failpoint, int pass) {
  return {{"GRADUS_FAILPOINTS", absl::StrCat(std::string(failpoint), "=kill@", pass)}};
}

class ServerKill : public ::testing::TestWithParam<std::string_view> {};

// The long form (GRADUS_WALK_PASSES=1) kills at later passes, too, until a place is passed no more.
TEST_P(ServerKill, NothingPromisedIsLost) {
  const bool later_passes = FormNumber("GRADUS_WALK_PASSES", 0) != 0;
  for (int pass = 1;; pass *= 2) {
    SCOPED_TRACE(absl::StrCat("killed at pass ", pass));
    KillScript script({.to_the_end = later_passes});
    script.Arm(KillAt(GetParam(), pass));
    script.Run();
    EXPECT_TRUE(script.deaths() == 1 || pass > 1) << "a place that the script does not come by";
    if (pass == 1 && script.died_starting()) {
      SCOPED_TRACE("killed at a start with running jobs");
      KillScript again({.at_restart = true});
      again.Arm(KillAt(GetParam(), 1));
      again.Run();
      EXPECT_EQ(again.deaths(), GetParam().starts_with("store.migrate.") ? 0 : 1);
    }
    if (!later_passes || script.deaths() == 0) break;
  }
}

std::string NameOf(const ::testing::TestParamInfo<std::string_view>& info) {
  std::string name(info.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Walk, ServerKill, ::testing::ValuesIn(Failpoints(false)), NameOf);

// Or the walk would leave out what it should not.
TEST(ServerKillElsewhere, TheServerPassesNoneOfThesePlaces) {
  KillScript script({});
  std::string kills;
  for (const std::string_view name : Failpoints(true)) {
    if (!name.starts_with("worker.parse.")) absl::StrAppend(&kills, std::string(name), "=kill;");
  }
  script.Arm({{"GRADUS_FAILPOINTS", kills}});
  script.Run();
  EXPECT_EQ(script.deaths(), 0);
}

TEST(ServerKillElsewhere, AParserThatDiesHarmsItsUploadAlone) {
  Gradusd server({.prepared = false});
  ASSERT_TRUE(server.TryStart(KillAt("worker.parse.before_answer", 1))) << server.Log();
  PersistentClient admin(server, "admin", Nap);
  const grpc::Status status = admin.PushTiny();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), ::testing::HasSubstr("was killed by signal"));
  EXPECT_TRUE(admin.List().empty()) << "the server answers on";
  admin.Disconnect();
  EXPECT_EQ(server.Stop(), 0);
  server.Start();
  EXPECT_TRUE(admin.PushTiny().ok()) << "the upload is still there";
  admin.Disconnect();
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_THAT(server.Verify(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace gradus::test
