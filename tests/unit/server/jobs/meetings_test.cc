// SPDX-License-Identifier: Apache-2.0
// Who computes together: meetings after each thing that can happen to ranks.
#include "server/jobs/meetings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace gradus::jobs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kStart = 1000 * kSecond;

// Ranks whose clock a test turns.
class MeetingsTest : public ::testing::Test {
 protected:
  // As many ranks as `ranks`, all attached.
  void Begin(int ranks, int fewest) {
    meetings_ = Meetings({.fewest = fewest}, false);
    for (int member = 0; member < ranks; ++member) meetings_.Expect(member, now_ + 60 * kSecond);
    for (int member = 0; member < ranks; ++member) meetings_.Attached(member, 0, now_);
  }
  std::vector<int> Called() { return meetings_.Look(now_).called; }
  std::vector<int> LostMembers() {
    std::vector<int> members;
    for (const Meetings::Lost& lost : meetings_.Look(now_).lost) members.push_back(lost.member);
    return members;
  }
  void Beat(int member, bool broken = false, double waiting = 0) {
    v1::Heartbeat heartbeat;
    heartbeat.set_generation(std::max(meetings_.generation(), known_));
    heartbeat.set_broken(broken);
    heartbeat.set_waiting_seconds(waiting);
    meetings_.Heard(member, heartbeat, now_);
  }
  // A second for each, in which all `members` live.
  void Live(int seconds, const std::vector<int>& members) {
    for (int i = 0; i < seconds; ++i) {
      now_ += kSecond;
      for (const int member : members) Beat(member);
      EXPECT_THAT(meetings_.Look(now_).lost, IsEmpty());
    }
  }

  int64_t now_ = kStart;
  int64_t known_ = 0;  // to ranks, from before this server
  Meetings meetings_{{}, false};
};

TEST_F(MeetingsTest, TheFirstIsCalledOnceAllAreAttached) {
  meetings_ = Meetings({.fewest = 3}, false);
  for (int member = 0; member < 3; ++member) meetings_.Expect(member, 0);
  meetings_.Attached(2, 0, now_);
  meetings_.Attached(0, 0, now_);
  EXPECT_THAT(Called(), IsEmpty());
  meetings_.Attached(1, 0, now_);
  EXPECT_THAT(Called(), ElementsAre(0, 1, 2));
  EXPECT_EQ(meetings_.generation(), 1);
  EXPECT_THAT(Called(), IsEmpty()) << "called once";
}

TEST_F(MeetingsTest, AnElasticJobBeginsWithoutThoseThatAreLate) {
  meetings_ = Meetings({.fewest = 2}, false);
  for (int member = 0; member < 3; ++member) meetings_.Expect(member, now_ + 60 * kSecond);
  meetings_.Attached(0, 0, now_);
  meetings_.Attached(1, 0, now_);
  EXPECT_THAT(Called(), IsEmpty());
  EXPECT_EQ(meetings_.next_look(), now_ + 5 * kSecond);
  Live(4, {0, 1});
  EXPECT_EQ(meetings_.generation(), 0);
  Live(1, {0, 1});
  EXPECT_THAT(meetings_.members(), ElementsAre(0, 1));
}

TEST_F(MeetingsTest, ALostProcessIsFollowedByAMeetingOfTheOthers) {
  Begin(4, 2);
  EXPECT_EQ(Called().size(), 4u);
  meetings_.Gone(2, false);
  EXPECT_THAT(Called(), ElementsAre(0, 1, 3));
  EXPECT_EQ(meetings_.Missing(4), 1);
}

TEST_F(MeetingsTest, SilenceIsALoss) {
  Begin(3, 2);
  Called();
  Live(4, {0, 1, 2});
  for (int i = 0; i < 4; ++i) Live(1, {0, 2});
  now_ += kSecond;
  Beat(0);
  Beat(2);
  EXPECT_EQ(meetings_.next_look(), now_);
  const Meetings::Verdict verdict = meetings_.Look(now_);
  ASSERT_EQ(verdict.lost.size(), 1u);
  EXPECT_EQ(verdict.lost[0].member, 1);
  EXPECT_EQ(verdict.lost[0].reason, "was not heard of for 5 s");
  EXPECT_THAT(verdict.called, ElementsAre(0, 2));
}

// Nobody was silent; the server did not listen.
TEST_F(MeetingsTest, AServerThatWasStoppedItselfBlamesNobody) {
  Begin(2, 2);
  Called();
  now_ += 3600 * kSecond;
  EXPECT_THAT(LostMembers(), IsEmpty());
  Live(1, {0});
  now_ += 4 * kSecond;
  Beat(0);
  EXPECT_THAT(LostMembers(), ElementsAre(1));
}

TEST_F(MeetingsTest, AStreamThatComesBackInTimeChangesNothing) {
  Begin(2, 2);
  Called();
  meetings_.Detached(1, now_);
  Live(4, {0});
  EXPECT_FALSE(meetings_.Attached(1, 1, now_));
  Live(20, {0, 1});
  EXPECT_EQ(meetings_.generation(), 1);
}

// It went away when the others were called anew.
TEST_F(MeetingsTest, NobodyIsCalledWhileOneOfThemIsAway) {
  Begin(4, 2);
  Called();
  meetings_.Detached(1, now_);
  meetings_.Gone(2, false);
  EXPECT_THAT(Called(), IsEmpty());
  meetings_.Attached(1, 1, now_);
  EXPECT_THAT(Called(), ElementsAre(0, 1, 3));
}

TEST_F(MeetingsTest, AMeetingThatDidNotArriveIsToldAgain) {
  Begin(2, 2);
  Called();
  meetings_.Detached(1, now_);
  EXPECT_TRUE(meetings_.Attached(1, 0, now_));
}

TEST_F(MeetingsTest, TooFewWaitForAnother) {
  Begin(2, 2);
  Called();
  meetings_.Gone(1, false);
  EXPECT_THAT(Called(), IsEmpty());
  EXPECT_TRUE(meetings_.waiting());
  EXPECT_EQ(meetings_.Missing(2), 1);
  meetings_.Expect(2, 0);
  meetings_.Attached(2, 0, now_);
  EXPECT_THAT(Called(), IsEmpty()) << "it prepares";
  Beat(2, false, 0.1);
  EXPECT_THAT(Called(), ElementsAre(0, 2));
  EXPECT_FALSE(meetings_.waiting());
}

TEST_F(MeetingsTest, AnotherOneJoinsWhenItIsReady) {
  Begin(2, 1);
  Called();
  meetings_.Expect(2, 0);
  meetings_.Attached(2, 0, now_);
  Live(5, {0, 1, 2});
  EXPECT_EQ(meetings_.generation(), 1);
  Beat(2, false, 0.1);
  EXPECT_THAT(Called(), ElementsAre(0, 1, 2));
}

TEST_F(MeetingsTest, AnotherOneThatNeverSaysItIsReadyJoinsAllTheSame) {
  Begin(2, 1);
  Called();
  meetings_.Expect(2, 0);
  meetings_.Attached(2, 0, now_);
  Live(9, {0, 1, 2});
  EXPECT_EQ(meetings_.generation(), 1);
  Live(1, {0, 1, 2});
  EXPECT_EQ(meetings_.generation(), 2);
}

TEST_F(MeetingsTest, ABrokenMeetingWaitsForTheCulpritToShow) {
  Begin(3, 1);
  Called();
  Beat(0, true);
  EXPECT_THAT(Called(), IsEmpty());
  now_ += kSecond;
  meetings_.Gone(1, false);
  EXPECT_THAT(Called(), ElementsAre(0, 2));
}

TEST_F(MeetingsTest, ABrokenMeetingOfLivingRanksIsCalledAgain) {
  Begin(3, 1);
  Called();
  for (int i = 0; i < 5; ++i) {
    Beat(0, true);
    Beat(1, i > 0);
    Beat(2);
    EXPECT_THAT(Called(), IsEmpty());
    now_ += kSecond;
  }
  EXPECT_THAT(Called(), ElementsAre(0, 1, 2));
  EXPECT_EQ(meetings_.generation(), 2);
}

TEST_F(MeetingsTest, WhenAllSayThatItIsBrokenNobodyIsMissed) {
  Begin(2, 1);
  Called();
  Beat(0, true);
  Beat(1, true);
  EXPECT_THAT(Called(), ElementsAre(0, 1));
}

TEST_F(MeetingsTest, OfTwoThatCannotReachEachOtherTheLaterOneGoes) {
  Begin(4, 1);
  Called();
  Live(60, {0, 1, 2, 3});
  for (int round = 0; round < 2; ++round) {
    Beat(1, true);
    Beat(2, true);
    meetings_.Look(now_);
    now_ += 4 * kSecond;
    for (const int member : {0, 3}) Beat(member);
    for (const int member : {1, 2}) Beat(member, true);
    meetings_.Look(now_);
    now_ += kSecond;
    const Meetings::Verdict verdict = meetings_.Look(now_);
    if (round == 0) {
      EXPECT_THAT(verdict.called, ElementsAre(0, 1, 2, 3));
      continue;
    }
    ASSERT_EQ(verdict.lost.size(), 1u);
    EXPECT_EQ(verdict.lost[0].member, 2);
    EXPECT_THAT(verdict.called, ElementsAre(0, 1, 3));
  }
}

// It reads its data still; the others are impatient.
TEST_F(MeetingsTest, WhoHasJustComeIsNotGivenUpForBrokenMeetings) {
  Begin(2, 1);
  Called();
  for (int i = 0; i < 5; ++i) {
    Beat(0, true);
    Beat(1, true);
    EXPECT_THAT(Called(), ElementsAre(0, 1));
    now_ += kSecond;
  }
}

TEST_F(MeetingsTest, AMeetingInWhichAllWaitIsCalledAgain) {
  Begin(2, 1);
  Called();
  Beat(0, false, 6);
  Beat(1, false, 5.5);
  EXPECT_THAT(Called(), ElementsAre(0, 1));
  Beat(0, false, 6);
  Beat(1, false, 0);
  EXPECT_THAT(Called(), IsEmpty()) << "one of them computes";
}

TEST_F(MeetingsTest, WhatIsSaidOfAnOlderMeetingCountsNoMore) {
  Begin(3, 1);
  Called();
  v1::Heartbeat old;
  old.set_generation(1);
  old.set_broken(true);
  meetings_.Gone(2, false);
  EXPECT_EQ(Called().size(), 2u);
  meetings_.Heard(0, old, now_);
  meetings_.Heard(1, old, now_);
  EXPECT_THAT(Called(), IsEmpty());
}

TEST_F(MeetingsTest, RanksThatLeaveAtTheEndAreNotMissed) {
  Begin(3, 3);
  Called();
  meetings_.Gone(1, true);
  EXPECT_THAT(Called(), IsEmpty());
  EXPECT_EQ(meetings_.Missing(3), 0);
  Beat(0, true);
  Called();
  EXPECT_TRUE(meetings_.waiting()) << "but where another one needs them";
  EXPECT_EQ(meetings_.Missing(3), 1);
}

TEST_F(MeetingsTest, AJobThatIsToStopWaitsForNobody) {
  Begin(2, 2);
  Called();
  meetings_.Stop();
  meetings_.Gone(1, false);
  EXPECT_THAT(Called(), ElementsAre(0));
  EXPECT_EQ(meetings_.Missing(2), 0);
}

class FoundMeetingsTest : public MeetingsTest {
 protected:
  void SetUp() override {
    meetings_ = Meetings({.fewest = 2}, true);
    known_ = 7;
    for (int member = 0; member < 3; ++member) meetings_.Expect(member, now_ + 60 * kSecond);
  }
};

TEST_F(FoundMeetingsTest, AMeetingWhoseRanksAllComeBackGoesOn) {
  for (int member = 0; member < 3; ++member) {
    EXPECT_THAT(Called(), IsEmpty());
    EXPECT_FALSE(meetings_.Attached(member, 7, now_));
  }
  EXPECT_THAT(Called(), IsEmpty());
  EXPECT_EQ(meetings_.generation(), 7);
  EXPECT_THAT(meetings_.members(), ElementsAre(0, 1, 2));
  meetings_.Gone(1, false);
  EXPECT_THAT(Called(), ElementsAre(0, 2));
  EXPECT_EQ(meetings_.generation(), 8);
}

TEST_F(FoundMeetingsTest, OneThatDoesNotComeBackIsLostAfterTheGrace) {
  meetings_.Attached(0, 7, now_);
  meetings_.Attached(2, 7, now_);
  Live(59, {0, 2});
  now_ += kSecond;
  Beat(0);
  Beat(2);
  const Meetings::Verdict verdict = meetings_.Look(now_);
  ASSERT_EQ(verdict.lost.size(), 1u);
  EXPECT_THAT(verdict.called, ElementsAre(0, 2));
  EXPECT_EQ(meetings_.generation(), 8);
}

TEST_F(FoundMeetingsTest, ALossThatNobodySawEndsTheMeeting) {
  meetings_.EndedUnseen();
  for (int member = 0; member < 3; ++member) meetings_.Attached(member, 7, now_);
  EXPECT_THAT(Called(), ElementsAre(0, 1, 2));
  EXPECT_EQ(meetings_.generation(), 8);
}

TEST_F(FoundMeetingsTest, ABrokenMeetingIsNotTakenUp) {
  for (int member = 0; member < 3; ++member) meetings_.Attached(member, 7, now_);
  v1::Heartbeat broken;
  broken.set_generation(7);
  broken.set_broken(true);
  meetings_.Heard(1, broken, now_);
  EXPECT_THAT(Called(), ElementsAre(0, 1, 2));
}

TEST_F(FoundMeetingsTest, ACallThatReachedOnlySomeIsMadeAgain) {
  meetings_.Attached(0, 7, now_);
  meetings_.Attached(1, 7, now_);
  meetings_.Attached(2, 6, now_);
  EXPECT_THAT(Called(), IsEmpty()) << "it may compute still";
  Beat(2, false, 1);
  EXPECT_THAT(Called(), ElementsAre(0, 1, 2));
}

TEST_F(FoundMeetingsTest, WhatHadNotBegunBegins) {
  for (int member = 0; member < 3; ++member) meetings_.Attached(member, 0, now_);
  EXPECT_THAT(Called(), ElementsAre(0, 1, 2));
  EXPECT_EQ(meetings_.generation(), 1);
}

}  // namespace
}  // namespace gradus::jobs
