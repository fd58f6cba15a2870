// SPDX-License-Identifier: Apache-2.0
#include "server/executors/slurm_gangs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::executors {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kStore[] = "00aa";
constexpr int64_t kSecond = 1'000'000;

SlurmRanks Ranks(std::vector<int64_t> fences, bool has_leader = true) {
  return {"j1", 1, has_leader, std::move(fences)};
}

RankKey Key(int64_t fence) { return {"j1", 1, fence}; }

class SlurmGangsTest : public ::testing::Test {
 protected:
  std::string Add(const SlurmRanks& ranks) {
    const std::string name = SlurmName(kStore, ranks);
    gangs_.Add({.name = name, .script = "script"}, ranks);
    return name;
  }

  // In Slurm, as job 17.
  std::string Submit(const SlurmRanks& ranks) {
    const std::string name = Add(ranks);
    EXPECT_TRUE(gangs_.NextToSubmit().has_value());
    gangs_.Submitted(name, 17);
    return name;
  }

  static SlurmJob Job(const std::string& name, const std::string& state, int64_t id = 17) {
    return {.id = id,
            .name = name,
            .state = state,
            .reason = "None",
            .start_time = state == "PENDING" ? 0 : 1000,
            .nodes = {"node1", "node2"}};
  }

  std::vector<RankExit> Look(const std::vector<SlurmJob>& jobs) {
    now_ += kSecond;
    gangs_.Look(jobs, now_);
    return gangs_.TakeExits();
  }

  std::vector<RankExit> LookAtSteps(const std::vector<SlurmStep>& steps) {
    now_ += kSecond;
    gangs_.LookAtSteps(steps, now_);
    return gangs_.TakeExits();
  }

  SlurmGangs gangs_{kStore};
  int64_t now_ = 1'000 * kSecond;
};

TEST_F(SlurmGangsTest, WaitsRunsAndEnds) {
  const std::string name = Submit(Ranks({12}));
  EXPECT_THAT(Look({Job(name, "PENDING")}), IsEmpty());
  EXPECT_THAT(Look({Job(name, "RUNNING")}), IsEmpty());
  EXPECT_THAT(gangs_.JobsOfSteps(), IsEmpty());
  const std::vector<RankExit> exits = Look({Job(name, "COMPLETED")});
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0].key, Key(12));
  EXPECT_TRUE(exits[0].clean);
  EXPECT_TRUE(gangs_.empty());
}

TEST_F(SlurmGangsTest, SaysWhatARankWaitsFor) {
  const std::string name = Add(Ranks({12}));
  EXPECT_THAT(gangs_.Waiting(Key(12)), HasSubstr("controller"));
  gangs_.NextToSubmit();
  gangs_.Submitted(name, 17);
  SlurmJob job = Job(name, "PENDING");
  job.reason = "Resources";
  Look({job});
  EXPECT_EQ(gangs_.Waiting(Key(12)), "waits in Slurm's queue (Resources, Slurm job 17)");
  Look({Job(name, "RUNNING")});
  EXPECT_EQ(gangs_.Waiting(Key(12)), "");
  EXPECT_EQ(gangs_.Waiting(Key(99)), "");
}

TEST_F(SlurmGangsTest, AGangIsHandedOutForSubmissionOnce) {
  const std::string name = Add(Ranks({12}));
  EXPECT_EQ(gangs_.NextToSubmit()->script, "script");
  EXPECT_FALSE(gangs_.NextToSubmit().has_value());
  gangs_.Unclear(name, now_);
  for (int i = 0; i < 10; ++i) {
    Look({});
    EXPECT_FALSE(gangs_.NextToSubmit().has_value());
  }
}

TEST_F(SlurmGangsTest, AnUnansweredSubmissionThatShowsUpGoesOn) {
  const std::string name = Add(Ranks({12}));
  gangs_.NextToSubmit();
  gangs_.Unclear(name, now_);
  for (int i = 0; i < 10; ++i) EXPECT_THAT(Look({}), IsEmpty());
  EXPECT_THAT(Look({Job(name, "RUNNING", 23)}), IsEmpty());
  now_ += 100 * kSecond;
  EXPECT_THAT(Look({Job(name, "RUNNING", 23)}), IsEmpty());
  gangs_.Kill(Key(12));
  EXPECT_THAT(gangs_.ToCancel(), ElementsAre("23"));
}

TEST_F(SlurmGangsTest, AnUnansweredSubmissionThatDoesNotShowUpIsGivenUpAndCancelledShouldItCome) {
  const std::string name = Add(Ranks({12}));
  gangs_.NextToSubmit();
  gangs_.Unclear(name, now_);
  std::vector<RankExit> exits;
  for (int looks = 0; exits.empty(); ++looks) {
    ASSERT_LT(looks, 30);
    exits = Look({});
  }
  EXPECT_TRUE(exits[0].blameless);
  EXPECT_FALSE(exits[0].cancelled);
  // The next attempt is under way when the old job comes.
  const std::string next = Submit(Ranks({13}));
  Look({Job(next, "RUNNING"), Job(name, "PENDING", 16)});
  EXPECT_THAT(gangs_.ToCancel(), ElementsAre("16"));
  Look({Job(next, "RUNNING"), Job(name, "CANCELLED", 16)});
  EXPECT_THAT(gangs_.ToCancel(), IsEmpty());
}

TEST_F(SlurmGangsTest, JobsOfAnotherServerAndAnotherStoreAreLeftAlone) {
  const std::string name = Submit(Ranks({12}));
  Look({Job(name, "RUNNING"), Job("gradus-00aa-j2-1-13", "RUNNING", 18),
        Job("gradus-00ab-j2-1-3", "RUNNING", 19)});
  EXPECT_THAT(gangs_.ToCancel(), IsEmpty());
}

TEST_F(SlurmGangsTest, OneLookWithoutAJobIsNoEnd) {
  const std::string name = Submit(Ranks({12}));
  Look({Job(name, "RUNNING")});
  EXPECT_THAT(Look({}), IsEmpty());
  EXPECT_THAT(Look({Job(name, "RUNNING")}), IsEmpty());
  EXPECT_THAT(Look({}), IsEmpty());
  const std::vector<RankExit> exits = Look({});
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_FALSE(exits[0].blameless);
}

TEST_F(SlurmGangsTest, AJobThatAControllerForgotBeforeItRanIsNobodysFault) {
  Submit(Ranks({12}));
  Look({});
  const std::vector<RankExit> exits = Look({});
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_TRUE(exits[0].blameless);
}

TEST_F(SlurmGangsTest, ARefusalIsToldInSlurmsWords) {
  const std::string name = Add(Ranks({12, 13}));
  gangs_.NextToSubmit();
  gangs_.Refused(name, "Invalid partition name specified");
  const std::vector<RankExit> exits = gangs_.TakeExits();
  ASSERT_EQ(exits.size(), 2u);
  EXPECT_THAT(exits[1].reason, HasSubstr("Invalid partition name specified"));
  EXPECT_FALSE(exits[1].blameless);
  EXPECT_TRUE(gangs_.empty());
}

TEST_F(SlurmGangsTest, OnlyWhatSomebodyElseCancelledIsCancelled) {
  const std::string name = Submit(Ranks({12}));
  EXPECT_TRUE(Look({Job(name, "CANCELLED")}).at(0).cancelled);
  const std::string killed = Submit(Ranks({13}));
  gangs_.Kill(Key(13));
  EXPECT_FALSE(Look({Job(killed, "CANCELLED")}).at(0).cancelled);
}

TEST_F(SlurmGangsTest, WhatAControllerForgotWasCancelledByNobody) {
  const std::string name = Submit(Ranks({12}));
  Look({Job(name, "RUNNING")});
  gangs_.ControllerAway(now_);
  const RankExit exit = Look({Job(name, "CANCELLED")}).at(0);
  EXPECT_FALSE(exit.cancelled);
  EXPECT_TRUE(exit.blameless);
  // Later a cancel is one again.
  now_ += 61'000'000;
  const std::string next = Submit(Ranks({13}));
  EXPECT_TRUE(Look({Job(next, "CANCELLED")}).at(0).cancelled);
}

TEST_F(SlurmGangsTest, WhatIsKilledBeforeItIsSubmittedNeverIs) {
  Add(Ranks({12, 13}));
  gangs_.Kill(Key(12));
  EXPECT_FALSE(gangs_.NextToSubmit().has_value());
  EXPECT_EQ(gangs_.TakeExits().size(), 2u);
}

TEST_F(SlurmGangsTest, ALeaderTakesItsGangWithItAndAMemberNobody) {
  const std::string name = Submit(Ranks({12, 13}));
  Look({Job(name, "RUNNING")});
  LookAtSteps({{17, "17.0", "12", "node1"}, {17, "17.1", "13", "node2"}});
  gangs_.Kill(Key(13));
  EXPECT_THAT(gangs_.ToCancel(), ElementsAre("17.1"));
  gangs_.Kill(Key(12));
  EXPECT_THAT(gangs_.ToCancel(), ElementsAre("17"));
}

TEST_F(SlurmGangsTest, AllMembersKilledAreTheirWholeJob) {
  const std::string name = Submit(Ranks({13, 14}, false));
  Look({Job(name, "PENDING")});
  gangs_.Kill(Key(13));
  EXPECT_THAT(gangs_.ToCancel(), IsEmpty());
  gangs_.Kill(Key(14));
  EXPECT_THAT(gangs_.ToCancel(), ElementsAre("17"));
}

TEST_F(SlurmGangsTest, AStepThatIsGoneIsARanksEnd) {
  const std::string name = Submit(Ranks({12, 13}));
  Look({Job(name, "RUNNING")});
  EXPECT_THAT(gangs_.JobsOfSteps(), ElementsAre(17));
  const SlurmStep leader{17, "17.0", "12", "node1"};
  const SlurmStep member{17, "17.1", "13", "node2"};
  // Not started yet is not gone.
  for (int i = 0; i < 5; ++i) EXPECT_THAT(LookAtSteps({leader}), IsEmpty());
  EXPECT_THAT(LookAtSteps({leader, member}), IsEmpty());
  EXPECT_THAT(LookAtSteps({leader}), IsEmpty());
  const std::vector<RankExit> exits = LookAtSteps({leader});
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0].key, Key(13));
  // The leader's end is told with the job's.
  EXPECT_EQ(Look({Job(name, "COMPLETED")}).at(0).key, Key(12));
  EXPECT_TRUE(gangs_.empty());
}

TEST_F(SlurmGangsTest, AStepOfAnotherJobIsNobodys) {
  const std::string name = Submit(Ranks({12, 13}));
  Look({Job(name, "RUNNING")});
  LookAtSteps({{18, "18.1", "13", "node2"}});
  gangs_.Kill(Key(13));
  EXPECT_THAT(gangs_.ToCancel(), IsEmpty());
}

TEST_F(SlurmGangsTest, AStepThatDoesNotStartForAMinuteIsLost) {
  const std::string name = Submit(Ranks({12, 13}));
  Look({Job(name, "RUNNING")});
  now_ += 60 * kSecond;
  const SlurmStep leader{17, "17.0", "12", "node1"};
  LookAtSteps({leader});
  EXPECT_THAT(LookAtSteps({leader}).at(0).reason, HasSubstr("never started"));
}

// Slurm goes on listing the step.
TEST_F(SlurmGangsTest, AStepOnANodeThatWasTakenOutIsLost) {
  const std::string name = Submit(Ranks({12, 13}));
  const std::vector<SlurmStep> steps = {{17, "17.0", "12", "node1"}, {17, "17.1", "13", "node2"}};
  Look({Job(name, "RUNNING")});
  LookAtSteps(steps);
  SlurmJob smaller = Job(name, "RUNNING");
  smaller.nodes = {"node1"};
  Look({smaller});
  LookAtSteps(steps);
  const std::vector<RankExit> exits = LookAtSteps(steps);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0].key, Key(13));
  EXPECT_THAT(exits[0].reason, HasSubstr("node that failed"));
}

TEST_F(SlurmGangsTest, AJobThatSlurmStartsAgainIsLost) {
  for (const bool waits : {true, false}) {
    const std::string name = Submit(Ranks({waits ? 12 : 13}));
    Look({Job(name, "RUNNING")});
    SlurmJob again = Job(name, waits ? "PENDING" : "RUNNING");
    again.start_time = waits ? 0 : 2000;
    EXPECT_THAT(Look({again}), IsEmpty());
    EXPECT_THAT(gangs_.ToCancel(), ElementsAre("17"));
    const std::vector<RankExit> exits = Look({Job(name, "CANCELLED")});
    ASSERT_EQ(exits.size(), 1u);
    EXPECT_THAT(exits[0].reason, HasSubstr("started again"));
    EXPECT_FALSE(exits[0].cancelled);
  }
}

// Slurm hides the state of a job that leaves its nodes, and saving takes a rank its time.
TEST_F(SlurmGangsTest, AJobThatWasCancelledIsToldSoHoweverSlowlyItLeaves) {
  const std::string name = Submit(Ranks({12}));
  Look({Job(name, "RUNNING")});
  SlurmJob leaving = Job(name, "");
  leaving.leaving = true;
  for (int i = 0; i < 60; ++i) ASSERT_THAT(Look({leaving}), IsEmpty()) << i;
  EXPECT_TRUE(Look({Job(name, "CANCELLED")}).at(0).cancelled);
}

TEST_F(SlurmGangsTest, AJobThatDoesNotLeaveItsNodesHasEndedAtLast) {
  for (const bool known : {true, false}) {
    const std::string name = Submit(Ranks({known ? 12 : 13}));
    Look({Job(name, "RUNNING")});
    SlurmJob leaving = Job(name, "");
    leaving.leaving = true;
    if (known) leaving.reason = "JobLaunchFailure";
    EXPECT_THAT(Look({leaving}), IsEmpty());
    now_ += (known ? 2 : 119) * kSecond;
    EXPECT_EQ(Look({leaving}).size(), 1u);
  }
}

TEST_F(SlurmGangsTest, AdoptedRanksAreWatchedAsOnesOwn) {
  const SlurmRanks ranks = Ranks({12, 13, 14});
  for (const int64_t fence : {12, 14, 14}) gangs_.Adopt(ranks, 17, Key(fence));
  const std::string name = SlurmName(kStore, ranks);
  Look({Job(name, "RUNNING")});
  EXPECT_THAT(gangs_.JobsOfSteps(), ElementsAre(17));
  EXPECT_EQ(Look({Job(name, "NODE_FAIL")}).size(), 2u);
}

}  // namespace
}  // namespace gradus::executors
