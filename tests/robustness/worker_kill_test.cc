// SPDX-License-Identifier: Apache-2.0
// gradus-worker is killed while it trains: the job goes on from its last checkpoint and ends with
// the same bits as one that was left alone (GUARANTEES.md, G7, G8).
#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/robustness/job_rules.h"
#include "tests/robustness/living_ranks.h"
#include "tests/robustness/persistent_client.h"
#include "tests/robustness/test_form.h"

namespace gradus::test {
namespace {

using ::testing::IsEmpty;

// Steps are slowed down, so that there is time for a kill, and for checkpoints to travel.
constexpr char kSlowly[] = "trainer.step.after=sleep:3ms";

// 200 steps of 4 epochs, 4 checkpoints.
v1::JobSpec TrainingJob() {
  v1::JobSpec spec = TinyJob("training");
  v1::Layer& hidden = *spec.mutable_model()->mutable_layers()->Add();
  hidden.mutable_dense()->set_units(8);
  hidden.mutable_dense()->mutable_activation()->mutable_relu();
  spec.mutable_model()->mutable_layers()->SwapElements(0, 1);
  spec.mutable_optimizer()->mutable_sgd()->set_momentum(0.9);
  spec.add_metrics()->mutable_accuracy();
  spec.mutable_fit()->set_epochs(4);
  spec.mutable_fit()->set_batch_size(2);
  spec.mutable_fit()->set_seed(7);
  spec.mutable_fit()->mutable_checkpoint()->set_every_steps(50);
  return spec;
}

class Training {
 public:
  Training() : server_({.worker = "gradus-worker", .settings = "max_attempts: 100"}) {}

  void Start(const std::string& failpoints) {
    ASSERT_TRUE(server_.TryStart({{"GRADUS_WORKER_FAILPOINTS", failpoints}})) << server_.Log();
    ann_ = std::make_unique<PersistentClient>(server_, "ann", Nap);
  }
  void Restart() {
    server_.Kill();
    Start("");
  }
  void Submit(const std::string& request_id = "r1") {
    id_ = ann_->Submit(request_id, TrainingJob(), submits_);
  }
  v1::Job Await(const std::function<bool(const v1::Job&)>& condition) {
    return ann_->Await(id_,
                       [&](const v1::Job& job) { return job.has_finished_at() || condition(job); });
  }
  void KillRank(const v1::Job& job) {
    const auto ranks = LivingRanks(server_.dir());
    const auto rank = ranks.find(absl::StrCat(job.id(), "-", job.attempt()));
    if (rank != ranks.end()) kill(rank->second, SIGKILL);
  }
  // The job at its end; its events have been checked.
  v1::Job End() {
    const v1::Job job = ann_->AwaitState(id_, v1::Job::SUCCEEDED);
    test_support::StreamHistory stream;
    const std::vector<v1::Event> events = ann_->Watch(id_, stream);
    EXPECT_THAT(stream.Check(true, events.empty() ? 0 : events.back().seq()), IsEmpty());
    EXPECT_THAT(CheckGoesOn(events), IsEmpty());
    return job;
  }
  void Stop() {
    ann_->Disconnect();
    EXPECT_EQ(server_.Stop(), 0);
    EXPECT_THAT(server_.Verify(), IsEmpty());
    EXPECT_THAT(LivingRanks(server_.dir()), IsEmpty());
  }

 private:
  Gradusd server_;
  std::unique_ptr<PersistentClient> ann_;
  test_support::SubmitHistory submits_;
  std::string id_;
};

// The job that nobody disturbs.
const v1::Job& Control() {
  static const v1::Job control = [] {
    Training training;
    training.Start("");
    training.Submit();
    v1::Job job = training.End();
    training.Stop();
    EXPECT_EQ(job.attempt(), 1);
    EXPECT_EQ(job.step(), 200);
    return job;
  }();
  return control;
}

void ExpectTheSame(const v1::Job& job) {
  EXPECT_EQ(job.weights_sha256(), Control().weights_sha256());
  EXPECT_EQ(job.step(), Control().step());
  EXPECT_THAT(job.metrics().at("loss"), Control().metrics().at("loss"));
  EXPECT_THAT(job.metrics().at("accuracy"), Control().metrics().at("accuracy"));
}

std::vector<std::string_view> WorkersFailpoints() {
  std::vector<std::string_view> names;
  for (const std::string_view name : base::FailpointNames()) {
    if (name.starts_with("trainer.")) names.push_back(name);
  }
  return names;
}

class WorkerKill : public ::testing::TestWithParam<std::string_view> {};

// Killed at the second pass; the long form (GRADUS_WALK_PASSES=1) takes further ones until a place
// is passed no more.
TEST_P(WorkerKill, AtAFailpointTheJobGoesOnToTheSameBits) {
  const bool all_passes = FormNumber("GRADUS_WALK_PASSES", 0) != 0;
  for (int pass = all_passes ? 1 : 2, next = 2;; pass = std::exchange(next, pass + next)) {
    SCOPED_TRACE(absl::StrCat("killed at pass ", pass));
    Training training;
    const std::string kill = absl::StrCat(std::string(GetParam()), "=kill@", pass);
    // One place can only do one thing.
    training.Start(GetParam() == "trainer.step.after" ? kill : absl::StrCat(kSlowly, ";", kill));
    training.Submit();
    const v1::Job job = training.Await([](const v1::Job& seen) {
      return seen.attempt() > 1 || (seen.attempt() == 1 && seen.state() == v1::Job::QUEUED);
    });
    const bool killed = !job.has_finished_at();
    // Or the next attempts would be killed there as well.
    if (killed) training.Restart();
    ExpectTheSame(training.End());
    training.Stop();
    EXPECT_TRUE(killed || pass > 2);
    if (!all_passes || !killed) break;
  }
}

std::string NameOf(const ::testing::TestParamInfo<std::string_view>& info) {
  std::string name(info.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Walk, WorkerKill, ::testing::ValuesIn(WorkersFailpoints()), NameOf);

TEST(WorkerKillRandom, TheJobGoesOnToTheSameBits) {
  constexpr int kKillsOfAJob = 3;
  std::mt19937_64 random(FormNumber("GRADUS_SEED", std::random_device()()));
  const uint64_t jobs = FormNumber("GRADUS_JOBS", 1);
  Training training;
  training.Start(kSlowly);
  for (uint64_t number = 0; number < jobs; ++number) {
    training.Submit(absl::StrCat("r", number));
    int kills = 0;
    while (kills < kKillsOfAJob) {
      const v1::Job job = training.Await([kills](const v1::Job& seen) {
        return seen.attempt() > kills && seen.state() == v1::Job::RUNNING;
      });
      if (job.has_finished_at()) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));
      training.KillRank(job);
      ++kills;
      training.Await([kills](const v1::Job& seen) { return seen.attempt() > kills; });
    }
    const v1::Job job = training.End();
    ExpectTheSame(job);
    EXPECT_GT(job.attempt(), 1) << "it was over before the first kill";
  }
  training.Stop();
}

}  // namespace
}  // namespace gradus::test
