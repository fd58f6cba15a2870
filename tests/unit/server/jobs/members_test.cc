// SPDX-License-Identifier: Apache-2.0
// Jobs with several workers: how they start, lose workers and get others, and how they end.
#include <deque>
#include <thread>

#include "tests/unit/server/jobs/jobs_fixture.h"

namespace gradus::jobs {
namespace {

using v1::Command;
using v1::Job;
using v1::RankFinished;

class MembersTest : public JobsFixture {
 protected:
  void SetUp() override {
    JobsFixture::SetUp();
    Use({0, 1, 2, 3});
  }

  void Use(const std::vector<int>& cpus) {
    StopJobs();
    options_.cpus = cpus;
    StartJobs();
  }

  Submission Several(int min, int max, int cores = 1) {
    Submission submission = NewSubmission(cores);
    submission.spec.mutable_fit()->mutable_workers()->set_min(min);
    submission.spec.mutable_fit()->mutable_workers()->set_max(max);
    return submission;
  }

  Job Submitted(const Submission& submission) {
    const auto job = jobs_->Submit(submission);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.ok() ? *job : Job();
  }

  // A job of `workers` that compute together; its ranks are in ranks_.
  Job Together(int min, int max, int workers) {
    Job job = Submitted(Several(min, max));
    for (int member = 0; member < workers; ++member) Join(job, member);
    Settle();
    for (PlayedRank& rank : ranks_) EXPECT_EQ(rank.meeting()->size(), workers);
    return Get(job.id());
  }

  PlayedRank& Join(const Job& job, int member) {
    PlayedRank& rank = ranks_.emplace_back(RankOf(job.id(), 1, member));
    EXPECT_TRUE(rank.Attach().ok());
    return rank;
  }

  static v1::Heartbeat Heartbeat(const PlayedRank& rank, double waiting = 0, bool broken = false) {
    v1::Heartbeat heartbeat;
    heartbeat.set_generation(rank.meeting().has_value() ? rank.meeting()->generation() : 0);
    heartbeat.set_waiting_seconds(waiting);
    heartbeat.set_broken(broken);
    return heartbeat;
  }

  // So many seconds in which the ranks of these numbers live.
  void Live(int seconds, const std::vector<size_t>& living) {
    for (int i = 0; i < seconds; ++i) {
      Settle();
      clock_.Advance(1'000'000);
      for (const size_t rank : living) EXPECT_TRUE(ranks_[rank].Beat(Heartbeat(ranks_[rank])).ok());
      Settle();
    }
  }

  bool Logged(const Job& job, const std::string& text) {
    for (const v1::Event& event : Events(job.id())) {
      if (event.log_line().text() == text) return true;
    }
    return false;
  }

  std::deque<PlayedRank> ranks_;
};

TEST_F(MembersTest, AGangStartsTogetherAndMeets) {
  const Job job = Submitted(Several(3, 3));
  const executors::RankSpec leader = executor_.AwaitStart(job.id());
  for (int member = 0; member < 3; ++member) {
    const executors::RankSpec spec = executor_.AwaitStart(job.id(), 1, member);
    EXPECT_TRUE(spec.config.several());
    EXPECT_EQ(spec.config.cpus_size(), 1);
    EXPECT_EQ(spec.key.attempt, 1);
    EXPECT_NE(spec.config.work_dir(), member == 0 ? "" : leader.config.work_dir());
    Join(job, member);
  }
  Settle();
  for (int rank = 0; rank < 3; ++rank) {
    ASSERT_TRUE(ranks_[rank].meeting().has_value());
    EXPECT_TRUE(ranks_[rank].assignment().has_value());
    EXPECT_EQ(ranks_[rank].meeting()->generation(), 1);
    EXPECT_EQ(ranks_[rank].meeting()->rank(), rank);
    EXPECT_EQ(ranks_[rank].meeting()->size(), 3);
    EXPECT_EQ(ranks_[rank].meeting()->secret(), ranks_[0].meeting()->secret());
    EXPECT_EQ(ranks_[rank].meeting()->secret().size(), 32u);
  }
  EXPECT_EQ(Get(job.id()).workers(), 3);
  EXPECT_TRUE(Logged(job, "3 workers compute together"));
}

TEST_F(MembersTest, AJobWaitsForTheFewestAndTakesTheMost) {
  const Job one = Submit(3);
  executor_.AwaitStart(one.id());
  const Job several = Submitted(Several(2, 4));
  Settle();
  EXPECT_EQ(Get(several.id()).state(), Job::QUEUED);
  executor_.Exit(executor_.AwaitStart(one.id()).key, "", true);
  executor_.AwaitStart(several.id(), 1, 3);
}

TEST_F(MembersTest, WhatOthersWaitForIsLeftToThem) {
  const Job blocker = Submit(4);
  executor_.AwaitStart(blocker.id());
  const Job several = Submitted(Several(2, 4));
  const Job other = Submit(2);
  ASSERT_TRUE(jobs_->Cancel("alice", blocker.id(), "c").ok());
  executor_.AwaitStart(several.id(), 1, 1);
  executor_.AwaitStart(other.id());
  EXPECT_EQ(executor_.running().size(), 3u);
}

TEST_F(MembersTest, AMemberReportsNothingAndTheLeaderEverything) {
  const Job job = Together(2, 2, 2);
  EXPECT_TRUE(absl::IsFailedPrecondition(ranks_[1].Progress(1).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(jobs_->CheckFence(ranks_[1].key())));
  EXPECT_TRUE(ranks_[0].Progress(1).ok());
  EXPECT_TRUE(absl::IsNotFound(jobs_->AssignedBlob(ranks_[1].key(), "none").status()));
}

TEST_F(MembersTest, ALostMemberIsReplacedWhileTheOthersGoOn) {
  const Job job = Together(1, 3, 3);
  executor_.Exit(ranks_[1].key(), "was killed by signal 9 (KILL)");
  Settle();
  EXPECT_EQ(ranks_[0].meeting()->generation(), 2);
  EXPECT_EQ(ranks_[2].meeting()->rank(), 1);
  EXPECT_EQ(ranks_[2].meeting()->size(), 2);
  EXPECT_EQ(Get(job.id()).workers(), 2);
  EXPECT_EQ(Get(job.id()).state(), Job::RUNNING);
  EXPECT_TRUE(Logged(job, "worker 1 was lost: was killed by signal 9 (KILL); 2 go on"));
  EXPECT_TRUE(absl::IsFailedPrecondition(ranks_[1].Attach(true)));
  EXPECT_TRUE(absl::IsFailedPrecondition(jobs_->AssignedBlob(ranks_[1].key(), "a").status()));
  clock_.Advance(options_.retry_delay_micros);
  PlayedRank& fourth = Join(job, 3);
  EXPECT_EQ(fourth.key().attempt, 1);
  EXPECT_GT(fourth.key().fence, ranks_[2].key().fence);
  ASSERT_TRUE(fourth.Beat(Heartbeat(fourth, 0.5)).ok());
  Settle();
  EXPECT_EQ(fourth.meeting()->size(), 3);
  EXPECT_EQ(fourth.meeting()->rank(), 2);
  EXPECT_EQ(ranks_[0].meeting()->generation(), 3);
}

TEST_F(MembersTest, AMemberLostOfAFixedNumberHasItsPlaceKept) {
  const Job job = Together(2, 2, 2);
  const Job waiting = Submit(3);
  Settle();
  executor_.Exit(ranks_[1].key(), "exited with 1");
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::RUNNING);
  EXPECT_EQ(Get(job.id()).reason(), "waits for workers: 1 of 2");
  EXPECT_EQ(Get(job.id()).workers(), 0);
  EXPECT_EQ(jobs_->Explain(job.id())->summary(), "It waits for its workers.");
  EXPECT_EQ(Get(waiting.id()).state(), Job::QUEUED);
  clock_.Advance(options_.retry_delay_micros);
  PlayedRank& third = Join(job, 2);
  ASSERT_TRUE(third.Beat(Heartbeat(third, 0.5)).ok());
  Settle();
  EXPECT_EQ(Get(job.id()).workers(), 2);
  EXPECT_EQ(Get(job.id()).reason(), "");
  EXPECT_EQ(Get(waiting.id()).state(), Job::QUEUED);
}

TEST_F(MembersTest, AMemberThatFallsSilentIsEnded) {
  const Job job = Together(1, 2, 2);
  Live(4, {0});
  Settle();
  clock_.Advance(1'000'000);
  Settle();
  ASSERT_EQ(executor_.killed().size(), 1u);
  EXPECT_EQ(executor_.killed()[0], ranks_[1].key());
  EXPECT_EQ(ranks_[0].meeting()->size(), 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(ranks_[1].Beat(Heartbeat(ranks_[1]))));
}

TEST_F(MembersTest, ASilentLeaderEndsTheAttempt) {
  const Job job = Together(2, 2, 2);
  Live(4, {1});
  clock_.Advance(1'000'000);
  AwaitState(job.id(), Job::QUEUED);
  Settle();
  EXPECT_EQ(executor_.killed().size(), 2u);
  EXPECT_TRUE(executor_.running().empty());
  EXPECT_TRUE(absl::IsFailedPrecondition(ranks_[1].Attach(true)));
  clock_.Advance(options_.retry_delay_micros);
  EXPECT_EQ(executor_.AwaitStart(job.id(), 2, 1).key.attempt, 2);
}

TEST_F(MembersTest, ALeaderThatDiesTakesTheAttemptWithIt) {
  const Job job = Together(1, 3, 3);
  executor_.Exit(ranks_[0].key(), "exited with 1");
  AwaitState(job.id(), Job::QUEUED);
  Settle();
  EXPECT_TRUE(executor_.running().empty());
  EXPECT_EQ(Get(job.id()).workers(), 0);
}

TEST_F(MembersTest, ABrokenMeetingIsFollowedByAnother) {
  const Job job = Together(2, 2, 2);
  for (PlayedRank& rank : ranks_) ASSERT_TRUE(rank.Beat(Heartbeat(rank, 0, true)).ok());
  Settle();
  for (PlayedRank& rank : ranks_) EXPECT_EQ(rank.meeting()->generation(), 2);
  EXPECT_TRUE(executor_.killed().empty());
}

TEST_F(MembersTest, LossesWithoutACheckpointEndTheAttempt) {
  StopJobs();
  options_.max_attempts = 2;
  StartJobs();
  const Job job = Together(2, 2, 2);
  for (int loss = 1; loss <= 3; ++loss) {
    // A checkpoint between them starts the count anew.
    if (loss == 2) {
      EXPECT_TRUE(ranks_[0].Checkpoint("state", 5).ok());
    }
    executor_.Exit(executor_.AwaitStart(job.id(), 1, loss).key, "exited with 1");
    Settle();
    clock_.Advance(4'000'000);
    ASSERT_TRUE(ranks_[0].Beat(Heartbeat(ranks_[0])).ok());
    Settle();
  }
  EXPECT_EQ(Get(job.id()).state(), Job::RUNNING);
  executor_.Exit(executor_.AwaitStart(job.id(), 1, 4).key, "exited with 1");
  const Job lost = AwaitState(job.id(), Job::QUEUED);
  EXPECT_NE(lost.reason().find("lost other workers 3 times"), std::string::npos) << lost.reason();
}

TEST_F(MembersTest, RanksLeaveAfterTheLastWord) {
  const Job job = Together(2, 2, 2);
  executor_.Exit(ranks_[1].key(), "exited with 0", true);
  Settle();
  EXPECT_EQ(Get(job.id()).reason(), "");
  EXPECT_EQ(executor_.started(), 2);
  ASSERT_TRUE(ranks_[0].Finish(RankFinished::DONE).ok());
  executor_.Exit(ranks_[0].key(), "exited with 0", true);
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_EQ(Get(job.id()).state(), Job::SUCCEEDED);
  EXPECT_EQ(executor_.started(), 2);
  EXPECT_TRUE(executor_.killed().empty());
}

TEST_F(MembersTest, AMemberThatLingersAfterTheLastWordIsEnded) {
  const Job job = Together(2, 2, 2);
  ASSERT_TRUE(ranks_[0].Finish(RankFinished::DONE).ok());
  Settle();
  executor_.Exit(ranks_[0].key(), "exited with 0", true);
  Settle();
  EXPECT_TRUE(executor_.killed().empty());
  clock_.Advance(options_.exit_grace_micros);
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_EQ(executor_.killed().size(), 1u);
}

TEST_F(MembersTest, APauseGoesToTheLeaderAndLeavesNobody) {
  const Job job = Together(2, 2, 2);
  ASSERT_TRUE(jobs_->Pause("alice", job.id(), "p").ok());
  EXPECT_EQ(ranks_[0].AwaitCommand(), Command::STOP);
  EXPECT_EQ(ranks_[1].commands(), 0u);
  // One that is lost meanwhile is not waited for.
  executor_.Exit(ranks_[1].key(), "exited with 1");
  Settle();
  EXPECT_EQ(ranks_[0].meeting()->size(), 1);
  ASSERT_TRUE(ranks_[0].Finish(RankFinished::STOPPED).ok());
  executor_.Exit(ranks_[0].key(), "exited with 0", true);
  EXPECT_EQ(AwaitState(job.id(), Job::PAUSED).reason(), "paused by alice");
  Settle();
  EXPECT_TRUE(executor_.running().empty());
  EXPECT_EQ(executor_.started(), 2);
}

TEST_F(MembersTest, ACancelEndsAll) {
  const Job job = Together(3, 3, 3);
  ASSERT_TRUE(jobs_->Cancel("alice", job.id(), "c").ok());
  EXPECT_EQ(ranks_[0].AwaitCommand(), Command::CANCEL);
  ASSERT_TRUE(ranks_[0].Finish(RankFinished::CANCELLED).ok());
  executor_.Exit(ranks_[0].key(), "exited with 0", true);
  Settle();
  clock_.Advance(options_.exit_grace_micros);
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_EQ(Get(job.id()).state(), Job::CANCELLED);
}

TEST_F(MembersTest, ADrainStopsAll) {
  const Job job = Together(2, 2, 2);
  std::thread drain([&] { jobs_->Drain(clock_.MonotonicMicros() + 10'000'000); });
  EXPECT_EQ(ranks_[0].AwaitCommand(), Command::STOP);
  ASSERT_TRUE(ranks_[0].Finish(RankFinished::STOPPED).ok());
  executor_.Exit(ranks_[1].key(), "exited with 0", true);
  executor_.Exit(ranks_[0].key(), "exited with 0", true);
  drain.join();
  EXPECT_EQ(Get(job.id()).state(), Job::QUEUED);
}

TEST_F(MembersTest, TheTimeLimitHoldsForAll) {
  Submission submission = Several(2, 2);
  submission.time_limit_micros = 3'000'000;
  const Job job = Submitted(submission);
  EXPECT_EQ(executor_.AwaitStart(job.id()).time_limit_micros, 3'000'000);
  Join(job, 0);
  Join(job, 1);
  Live(2, {0, 1});
  clock_.Advance(1'000'000);
  AwaitState(job.id(), Job::TIMED_OUT);
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_TRUE(executor_.running().empty());
}

TEST_F(MembersTest, NotesAreForTheRanksOfTheMeeting) {
  const Job job = Together(1, 2, 2);
  v1::PutNoteRequest put;
  put.set_generation(1);
  put.set_key("address");
  put.set_value("10.0.0.1");
  ASSERT_TRUE(jobs_->PutNote(ranks_[0].key(), put).ok());
  v1::GetNotesRequest get;
  get.set_generation(1);
  get.add_keys("address");
  EXPECT_EQ(jobs_->GetNotes(ranks_[1].key(), get)->notes().at("address"), "10.0.0.1");
  executor_.Exit(ranks_[1].key(), "exited with 1");
  Settle();
  EXPECT_TRUE(absl::IsAborted(jobs_->GetNotes(ranks_[0].key(), get).status()));
}

TEST_F(MembersTest, AMeetingOutlivesTheServer) {
  const Job job = Together(2, 3, 3);
  for (PlayedRank& rank : ranks_) rank.Detach();
  Restart();
  EXPECT_EQ(executor_.started(), 3);
  std::deque<PlayedRank> back;
  for (PlayedRank& rank : ranks_)
    ASSERT_TRUE(back.emplace_back(*jobs_, *blobs_, rank.key()).Attach(true, 1).ok());
  Settle();
  for (PlayedRank& rank : back) EXPECT_FALSE(rank.meeting().has_value()) << "the old one goes on";
  executor_.Exit(ranks_[1].key(), "exited with 1");
  Settle();
  EXPECT_EQ(back[0].meeting()->generation(), 2);
  EXPECT_EQ(back[0].meeting()->size(), 2);
}

TEST_F(MembersTest, AMemberLostWithTheServerIsMissedByIt) {
  const Job job = Together(1, 2, 2);
  for (PlayedRank& rank : ranks_) rank.Detach();
  StopJobs();
  executor_.Exit(ranks_[1].key(), "", false, false);
  StartJobs();
  EXPECT_EQ(Get(job.id()).state(), Job::RUNNING);
  PlayedRank back(*jobs_, *blobs_, ranks_[0].key());
  ASSERT_TRUE(back.Attach(true, 1).ok());
  Settle();
  EXPECT_EQ(back.meeting()->generation(), 2);
  EXPECT_EQ(back.meeting()->size(), 1);
  executor_.AwaitStart(job.id(), 1, 2);
}

TEST_F(MembersTest, MembersWhoseLeaderWasLostWithTheServerAreEnded) {
  const Job job = Together(2, 2, 2);
  for (PlayedRank& rank : ranks_) rank.Detach();
  StopJobs();
  executor_.Exit(ranks_[0].key(), "", false, false);
  StartJobs();
  EXPECT_EQ(Get(job.id()).state(), Job::QUEUED);
  Settle();
  EXPECT_EQ(executor_.killed().size(), 1u);
}

TEST_F(MembersTest, AGangThatCannotBeStartedLeavesNothing) {
  executor_.FailStarts(1);
  const Job job = Submitted(Several(3, 3));
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::QUEUED);
  EXPECT_EQ(jobs_->Explain(job.id())->summary(),
            "It waits a moment before its worker is tried again.");
  clock_.Advance(options_.retry_delay_micros);
  EXPECT_EQ(executor_.AwaitStart(job.id(), 2, 2).key.attempt, 2);
}

TEST_F(MembersTest, AnExecutorWithAQueueOfItsOwnIsAskedForMoreThanThereIs) {
  StopJobs();
  executor_.HaveQueue();
  StartJobs();
  const Job job = Submitted(Several(8, 9, 16));
  for (int member = 0; member < 8; ++member)
    EXPECT_EQ(executor_.AwaitStart(job.id(), 1, member).config.cpus_size(), 0);
  // It may take a night until they are started there.
  clock_.Advance(int64_t{8 * 3600} * 1'000'000);
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::STARTING);
  EXPECT_EQ(executor_.started(), 8);
  for (int member = 0; member < 8; ++member) Join(job, member);
  Settle();
  EXPECT_EQ(Get(job.id()).workers(), 8);
  executor_.AwaitStart(job.id(), 1, 8);
  Live(60, {0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(Get(job.id()).workers(), 8);
  EXPECT_TRUE(executor_.killed().empty());
}

}  // namespace
}  // namespace gradus::jobs
