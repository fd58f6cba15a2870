// SPDX-License-Identifier: Apache-2.0
#include "server/executors/slurm_names.h"

#include <gtest/gtest.h>

namespace gradus::executors {
namespace {

constexpr char kStore[] = "00aa";

std::optional<SlurmRanks> ThereAndBack(const SlurmRanks& ranks, const std::string& job_name) {
  return ParseSlurmNames(SlurmName(kStore, ranks), SlurmComment(ranks, job_name), kStore);
}

TEST(SlurmNames, ComeBackAsTheyWere) {
  for (const SlurmRanks& ranks :
       {SlurmRanks{"j1", 2, true, {7}}, SlurmRanks{"j1", 1, true, {7, 9, 8}},
        SlurmRanks{"j1", 3, false, {12}}, SlurmRanks{"j1", 1, false, {3, 4}}}) {
    EXPECT_EQ(ThereAndBack(ranks, "night-run"), ranks);
    EXPECT_EQ(ThereAndBack(ranks, ""), ranks);
  }
}

TEST(SlurmNames, AreReadByPeople) {
  const SlurmRanks ranks{"j1", 2, true, {7, 8}};
  EXPECT_EQ(SlurmName(kStore, ranks), "gradus-00aa-j1-2-7");
  EXPECT_EQ(SlurmComment(ranks, "night-run"), "leader 7 members 8 of night-run");
  EXPECT_EQ(SlurmComment({"j1", 2, false, {9}}, ""), "members 9");
}

TEST(SlurmNames, AJobsNameCannotAddRanks) {
  const SlurmRanks ranks{"j1", 2, true, {7}};
  for (const char* name : {"8", "members 8", "of 8", "x\n9"})
    EXPECT_EQ(ThereAndBack(ranks, name), ranks) << name;
}

TEST(SlurmNames, ACommentWrittenOverLeavesTheRankInTheName) {
  const std::optional<SlurmRanks> leader = SlurmRanks{"j1", 2, true, {7}};
  for (const char* comment : {"", "my job", "leader 8", "members 9 8", "leader -7", "members"})
    EXPECT_EQ(ParseSlurmNames("gradus-00aa-j1-2-7", comment, kStore), leader) << comment;
}

TEST(SlurmNames, OthersAreNone) {
  for (const char* name :
       {"", "gradus", "gradus-00ab-j1-2-7", "gradus-00aa-j1-2", "gradus-00aa-j1-2-7-8",
        "gradus-00aa--2-7", "gradus-00aa-j1-x-7", "gradus-00aa-j1-0-7", "gradus-00aa-j1-2--7"})
    EXPECT_FALSE(ParseSlurmNames(name, "leader 7", kStore).has_value()) << name;
}

}  // namespace
}  // namespace gradus::executors
