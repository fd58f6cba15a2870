// SPDX-License-Identifier: Apache-2.0
#include "engine/trainer/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fake_clock.h"

namespace gradus::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class Recorder final : public Callback {
 public:
  void OnEvent(const v1::Event& event) override { events.push_back(event); }
  absl::Status OnCheckpoint(const CheckpointFile&) override { return absl::OkStatus(); }
  absl::Status OnBestCheckpoint(const BestCheckpointFile&) override { return absl::OkStatus(); }
  std::vector<v1::Event> events;
};

TEST(FiguresOf, HasTheMeanLossAndTheMetrics) {
  v1::Metric accuracy;
  accuracy.mutable_accuracy();
  const metrics::MetricSet metrics({accuracy}, {});
  plan::Totals totals;
  totals.rows = 4;
  totals.loss = 1.0;
  totals.metrics = metrics.Start();
  totals.metrics[0].state = {3.0};
  EXPECT_THAT(FiguresOf(totals, metrics, metrics::Occasion::kEpoch, "val_"),
              ElementsAre(Pair("val_accuracy", 0.75), Pair("val_loss", 0.25)));
  EXPECT_THAT(FiguresOf({}, metrics, metrics::Occasion::kEpoch, ""), ::testing::IsEmpty());
}

TEST(ProgressReporter, SpeaksAtOnceAndThenFiveTimesASecondAtMost) {
  test_support::FakeClock clock;
  Recorder recorder;
  ProgressReporter reporter(clock, recorder);
  reporter.Restart();
  plan::Totals totals;
  for (int64_t step = 1; step <= 1000; ++step) {  // 10 ms each: 10 s
    clock.Advance(10'000);
    totals.rows += 2;
    totals.loss += 1.0;
    reporter.AfterStep({.step_in_epoch = step, .step = step}, 1000, totals, {}, 0.5);
  }
  EXPECT_GE(recorder.events.size(), 49U);
  EXPECT_LE(recorder.events.size(), 51U);
  EXPECT_EQ(recorder.events[0].progress().step(), 1);
  for (size_t i = 1; i < recorder.events.size(); ++i)
    EXPECT_DOUBLE_EQ(recorder.events[i].progress().ms_per_step(), 10.0);
  EXPECT_EQ(recorder.events.back().progress().metrics().at("loss"), 0.5);
  EXPECT_EQ(recorder.events.back().progress().learning_rate(), 0.5);
}

TEST(ProgressReporter, SlowStepsAreToldOneByOne) {
  test_support::FakeClock clock;
  Recorder recorder;
  ProgressReporter reporter(clock, recorder);
  reporter.Restart();
  plan::Totals totals;
  totals.rows = 1;
  for (int64_t step = 1; step <= 10; ++step) {
    clock.Advance(3'000'000);
    reporter.AfterStep({.step = step}, 10, totals, {}, 0.5);
  }
  EXPECT_EQ(recorder.events.size(), 10U);
}

TEST(SendLogLine, CutsAtTheLimitBetweenCharacters) {
  Recorder recorder;
  std::string text(4095, 'a');
  text += "\xC3\xA4\xC3\xB6";
  SendLogLine(recorder, v1::LogLine::WARNING, text);
  EXPECT_EQ(recorder.events[0].log_line().text(), std::string(4095, 'a'));
}

}  // namespace
}  // namespace gradus::trainer
