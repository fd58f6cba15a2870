// SPDX-License-Identifier: Apache-2.0
#include "server/executors/slurm_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace gradus::executors {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kPrefix[] = "gradus-00aa-";
constexpr uid_t kUser = 1000;

// As squeue 22.05 writes it, shortened.
constexpr char kRunning[] = R"({
  "account": "", "array_task_id": null, "billable_tres": 4.0, "comment": "leader 12 members 13",
  "flags": ["JOB_CPUS_SET"], "exit_code": 0, "job_id": 17,
  "job_resources": {"nodes": "node[1-2]", "allocated_hosts": 2, "allocated_nodes": [
    {"sockets": {"0": {"cores": {"0": "allocated_and_in_use"}}}, "nodename": "node1"},
    {"sockets": {}, "nodename": "node2"}]},
  "job_state": "RUNNING", "name": "gradus-00aa-j1-1-12", "nodes": "node[1-2]",
  "start_time": 1795759229, "state_reason": "None", "user_id": 1000, "user_name": "lab"})";
// As 24.05 does.
constexpr char kLater[] = R"({
  "comment": "leader 12", "exit_code": {"status": ["SIGNALED"],
    "return_code": {"set": false, "infinite": false, "number": 0},
    "signal": {"id": {"set": true, "infinite": false, "number": 9}, "name": "KILL"}},
  "job_id": 18, "job_resources": {"nodes": {"count": 1, "allocation": [{"name": "node3"}]}},
  "job_state": ["FAILED"], "name": "gradus-00aa-j2-1-12",
  "start_time": {"set": true, "infinite": false, "number": 1795759229},
  "state_reason": "NonZeroExitCode", "user_id": 1000})";

std::string Queue(const std::string& jobs, const std::string& errors = "") {
  return absl::StrCat(
      R"({"meta": {"plugin": {"type": "openapi\/v0.0.38", "name": "x"}}, "errors": [)", errors,
      R"(], "jobs": [)", jobs, "]}");
}

absl::StatusOr<std::vector<SlurmJob>> Parse(const std::string& text) {
  return ParseSlurmJobs(text, kPrefix, kUser);
}

TEST(SlurmQueue, ReadsAJobOfEitherForm) {
  const auto jobs = Parse(Queue(absl::StrCat(kRunning, ",", kLater)));
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  ASSERT_EQ(jobs->size(), 2u);
  const SlurmJob& running = jobs->at(0);
  EXPECT_EQ(running.id, 17);
  EXPECT_EQ(running.name, "gradus-00aa-j1-1-12");
  EXPECT_EQ(running.comment, "leader 12 members 13");
  EXPECT_EQ(running.state, "RUNNING");
  EXPECT_EQ(running.start_time, 1795759229);
  EXPECT_THAT(running.nodes, ElementsAre("node1", "node2"));
  EXPECT_EQ(PhaseOf(running), SlurmPhase::kRunning);
  const SlurmJob& later = jobs->at(1);
  EXPECT_EQ(later.id, 18);
  EXPECT_EQ(later.start_time, 1795759229);
  EXPECT_THAT(later.nodes, ElementsAre("node3"));
  EXPECT_EQ(PhaseOf(later), SlurmPhase::kEnded);
  EXPECT_THAT(EndingOf(later).reason, StartsWith("was killed by signal 9 (KILL)"));
}

// Before 23.02 a job that leaves its nodes shows no other state.
TEST(SlurmQueue, ReadsWhetherAJobIsLeavingAndWhatItWas) {
  const std::string hidden = absl::StrReplaceAll(kRunning, {{"RUNNING", "COMPLETING"}});
  const std::string shown =
      absl::StrReplaceAll(kLater, {{R"(["FAILED"])", R"(["CANCELLED", "COMPLETING"])"}});
  const auto jobs = Parse(Queue(absl::StrCat(hidden, ",", shown)));
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  for (const SlurmJob& job : *jobs) EXPECT_EQ(PhaseOf(job), SlurmPhase::kLeaving);
  EXPECT_FALSE(HasKnownEnding(jobs->at(0)));
  EXPECT_TRUE(HasKnownEnding(jobs->at(1)));
  EXPECT_TRUE(EndingOf(jobs->at(1)).cancelled);
}

// While its controller is away squeue says this, and exits with 0.
TEST(SlurmQueue, AnErrorIsNoEmptyQueue) {
  const auto jobs = Parse(Queue("", R"({"description": "Failed while looking for jobs",
      "error_number": -1, "error": "Unspecified error", "source": "slurm_load_jobs"})"));
  EXPECT_TRUE(absl::IsUnavailable(jobs.status())) << jobs.status();
  EXPECT_THAT(std::string(jobs.status().message()), HasSubstr("Failed while looking for jobs"));
  EXPECT_TRUE(Parse(Queue("")).ok());
}

TEST(SlurmQueue, OthersJobsAreLeftOutHoweverTheyAreCalled) {
  const std::string other_name = absl::StrReplaceAll(kRunning, {{"gradus-00aa-", "gradus-00ab-"}});
  const std::string other_user = absl::StrReplaceAll(kRunning, {{": 1000", ": 1001"}});
  const std::string no_utf8 = absl::StrReplaceAll(kRunning, {{"gradus-00aa-j1", "\xff\xfe\xc0"}});
  const auto jobs =
      Parse(Queue(absl::StrCat(other_name, ",", other_user, ",", no_utf8, ",", kLater)));
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  ASSERT_EQ(jobs->size(), 1u);
  EXPECT_EQ(jobs->at(0).id, 18);
}

TEST(SlurmQueue, WhatIsNoListOfJobsIsAnError) {
  for (const std::string& text :
       {std::string(), std::string("slurm_load_jobs error"), std::string("{}"), std::string("[]"),
        std::string(R"({"jobs": 3})"), Queue(kRunning).substr(0, 300)}) {
    EXPECT_FALSE(Parse(text).ok()) << text;
  }
  // Values of other types are none.
  EXPECT_TRUE(
      Parse(Queue(R"({"job_id": "x", "name": 7}, 3, null, {"job_id": 1, "name": null})")).ok());
}

SlurmEnding Ending(const std::string& state, int wait_status = 0,
                   const std::string& reason = "None") {
  return EndingOf({.id = 17, .state = state, .reason = reason, .wait_status = wait_status});
}

TEST(SlurmQueue, EndsAreToldInWords) {
  EXPECT_TRUE(Ending("COMPLETED").clean);
  EXPECT_EQ(Ending("FAILED", 3 << 8).reason, "exited with 3 (Slurm job 17)");
  EXPECT_EQ(Ending("FAILED", (128 + 9) << 8).reason,
            "was killed by signal 9 (KILL) (Slurm job 17)");
  EXPECT_THAT(Ending("NODE_FAIL").reason, HasSubstr("a node that failed"));
  EXPECT_THAT(Ending("", 9, "JobLaunchFailure").reason, HasSubstr("a node that failed"));
  EXPECT_THAT(Ending("TIMEOUT").reason, HasSubstr("as long as Slurm allows"));
  EXPECT_THAT(Ending("OUT_OF_MEMORY").reason, HasSubstr("more memory"));
  EXPECT_TRUE(Ending("CANCELLED", 15).cancelled);
  EXPECT_TRUE(Ending("PREEMPTED").blameless);
  for (const char* state : {"FAILED", "NODE_FAIL", "TIMEOUT", "OUT_OF_MEMORY", "PREEMPTED"})
    EXPECT_FALSE(Ending(state).cancelled) << state;
}

TEST(SlurmQueue, AStateThatNobodyKnowsIsNoEnd) {
  EXPECT_EQ(PhaseOf({.state = "PENDING"}), SlurmPhase::kWaiting);
  EXPECT_EQ(PhaseOf({.state = "CANCELLED", .leaving = true}), SlurmPhase::kLeaving);
  EXPECT_EQ(PhaseOf({.state = "SUSPENDED"}), SlurmPhase::kRunning);
  EXPECT_EQ(PhaseOf({.state = "NEW_STATE"}), SlurmPhase::kRunning);
  EXPECT_EQ(PhaseOf({.state = ""}), SlurmPhase::kRunning);
}

TEST(SlurmQueue, ReadsSteps) {
  const std::vector<SlurmStep> steps =
      ParseSlurmSteps("2.0|12|node1\n2.1|13|node2\n2.batch|batch|node1\nnonsense\n|||\n");
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[1].job, 2);
  EXPECT_EQ(steps[1].id, "2.1");
  EXPECT_EQ(steps[1].name, "13");
  EXPECT_EQ(steps[1].node, "node2");
}

}  // namespace
}  // namespace gradus::executors
