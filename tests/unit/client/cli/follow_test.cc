// SPDX-License-Identifier: Apache-2.0
#include "client/cli/follow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "proto/support/parse.h"
#include "tests/unit/client/cli/testing.h"

namespace gradus::cli {
namespace {

using ::testing::HasSubstr;

// A job that has run through two epochs before anyone looks.
class FollowTest : public testing::CliTest {
 protected:
  void Live(v1::Job::State end) {
    v1::Job& job = server->jobs["j1"];
    job.set_total_epochs(2);
    job.set_steps_per_epoch(100);
    server->AddState("j1", v1::Job::RUNNING);
    for (int epoch = 0; epoch < 2; ++epoch) {
      v1::Progress& progress = *server->AddEvent("j1").mutable_progress();
      progress.set_epoch(epoch);
      progress.set_step_in_epoch(50);
      progress.set_steps_per_epoch(100);
      progress.set_ms_per_step(2);
      v1::EpochFinished& finished = *server->AddEvent("j1").mutable_epoch_finished();
      finished.set_epoch(epoch);
      finished.set_train_seconds(0.2);
      finished.set_seconds(0.25);
      (*finished.mutable_metrics())["loss"] = 0.5;
      (*finished.mutable_metrics())["val_loss"] = 0.6;
    }
    (*server->AddEvent("j1").mutable_evaluated()->mutable_metrics())["test_loss"] = 0.7;
    server->AddState("j1", end);
    (*job.mutable_metrics())["test_loss"] = 0.7;
    job.set_reason(end == v1::Job::SUCCEEDED ? "" : "the loss is NaN");
    if (end == v1::Job::SUCCEEDED) job.set_published("a@1");
  }
};

TEST_F(FollowTest, PlainLinesWhereNobodyWatches) {
  Live(v1::Job::SUCCEEDED);
  EXPECT_EQ(Run({"job", "watch", "j1"}), 0) << err();
  EXPECT_EQ(out(),
            "RUNNING\n"
            "stage 1/1  epoch 1/2  100/100 [====================]  0.2 s  2.00 ms/step - loss: "
            "0.5000 - val_loss: 0.6000\n"
            "stage 1/1  epoch 2/2  100/100 [====================]  0.2 s  2.00 ms/step - loss: "
            "0.5000 - val_loss: 0.6000\n"
            " - test_loss: 0.7000\n"
            "job j1 SUCCEEDED\n"
            "  test_loss 0.7000\n"
            "  published a@1; fetch it with: gradus model fetch a@1 --output a\n");
}

TEST_F(FollowTest, ATerminalsLineIsDrawnOverFromItsFirstRow) {
  Live(v1::Job::SUCCEEDED);
  is_terminal = true;
  width = 50;
  EXPECT_EQ(Run({"job", "watch", "j1"}), 0);
  const std::string drawn =
      "stage 1/1  epoch 1/2  50/100 [==========>.........]  ETA 0:00  2.00 ms/step";
  ASSERT_EQ((drawn.size() + 49) / 50, 2u);  // rows
  EXPECT_THAT(out(),
              HasSubstr("RUNNING\n" + drawn + "\x1b[1A\r\x1b[Jstage 1/1  epoch 1/2  100/100 ["));
}

TEST_F(FollowTest, JsonIsAnEventALine) {
  Live(v1::Job::SUCCEEDED);
  server->stream_breaks = {3};
  EXPECT_EQ(Run({"job", "watch", "j1", "--json"}), 0);
  int64_t seq = 0;
  for (const absl::string_view line : absl::StrSplit(out(), '\n', absl::SkipEmpty())) {
    const auto event = support::Parse<v1::Event>(line);
    ASSERT_TRUE(event.ok()) << event.status();
    EXPECT_EQ(event->seq(), ++seq);
  }
  EXPECT_EQ(seq, 7);
}

TEST_F(FollowTest, AJobThatDidNotSucceedIsOneWithItsReason) {
  Live(v1::Job::FAILED);
  for (const char* verb : {"watch", "wait"}) {
    EXPECT_EQ(Run({"job", verb, "j1"}), 1);
    EXPECT_THAT(err(), HasSubstr("job j1 FAILED: the loss is NaN"));
  }
}

TEST_F(FollowTest, AnOutageIsToldAndNothingIsLost) {
  Live(v1::Job::SUCCEEDED);
  server->stream_breaks = {2};
  EXPECT_EQ(Run({"job", "watch", "j1"}), 0);
  EXPECT_THAT(err(), HasSubstr("connection is lost"));
  EXPECT_THAT(err(), HasSubstr("connection is back"));
  EXPECT_THAT(out(), HasSubstr("epoch 2/2"));
}

TEST_F(FollowTest, CtrlCDetachesAndSaysHowToComeBack) {
  // The wish comes while the job runs.
  const std::string file = folder.Write("a.yaml", "name: a\n");
  EXPECT_EQ(Run({"train", file, "--detach", "-q"}), 0) << err();
  EXPECT_EQ(out(), "j000000000001\n");
  const Client client = Client(server, testing::Impatient());
  std::stop_source stop;
  std::ostringstream sink;
  const Environment environment{
      {sink, sink},
      [&](const std::string&) -> absl::StatusOr<Client> { return client; },
      [](std::stop_source source) { source.request_stop(); }};
  Session session(environment, Output::Mode::kPeople, "");
  ASSERT_TRUE(session.Connect().ok());
  session.TakeInterrupts();
  const absl::Status status = Follow(session, server->jobs["j000000000001"]);
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(std::string(status.message()), HasSubstr("gradus job watch j000000000001"));
}

TEST_F(FollowTest, DetachingPrintsTheIdAlone) {
  const std::string file = folder.Write("a.yaml", "name: a\n");
  EXPECT_EQ(Run({"job", "submit", file, "-q", "--set", "fit.seed=7"}), 0) << err();
  EXPECT_EQ(out(), "j000000000001\n");
  EXPECT_EQ(server->jobs.begin()->second.spec().fit().seed(), 7u);
  EXPECT_EQ(Run({"train", file, "--detach"}), 0);
  EXPECT_THAT(out(), HasSubstr("gradus job watch j000000000002"));
}

}  // namespace
}  // namespace gradus::cli
