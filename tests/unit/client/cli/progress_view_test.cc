// SPDX-License-Identifier: Apache-2.0
#include "client/cli/progress_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace gradus::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ProgressViewTest : public ::testing::Test {
 protected:
  v1::Event At(int64_t seconds) {
    v1::Event event;
    event.mutable_time()->set_seconds(seconds);
    return event;
  }
  std::ostringstream out;
  std::ostringstream err;
  const Output output{Terminal{out, err}, Output::Mode::kPeople};
  ProgressView view{output, v1::Job()};
};

TEST_F(ProgressViewTest, WhereNobodyWatchesALineComesNowAndThen) {
  for (int i = 0; i < 100; ++i) {
    v1::Event event = At(i);
    event.mutable_progress()->set_steps_per_epoch(100);
    event.mutable_progress()->set_step_in_epoch(i);
    view.OnEvent(event);
  }
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 9);
  EXPECT_THAT(text, Not(HasSubstr("\r")));
}

TEST_F(ProgressViewTest, AFoldingIsToldLayerByLayer) {
  v1::Event event = At(0);
  v1::ModelFolded& model = *event.mutable_model_folded();
  model.add_folded("bn");
  model.add_folded("bn_1");
  model.add_unfolded()->set_layer("bn_2");
  model.mutable_unfolded(0)->set_reason("nothing fits");
  model.set_params_before(1234);
  model.set_params_after(1200);
  model.set_rows(1);
  model.set_largest_difference(1.5e-7);
  view.OnEvent(event);
  EXPECT_EQ(out.str(),
            "folded: bn, bn_1\nnot folded: bn_2: nothing fits\n"
            "weights: 1,234 before, 1,200 after\n"
            "largest difference of the outputs: 1.5000e-07 over 1 row\n");
}

TEST_F(ProgressViewTest, ANewAttemptIsToldAndWhereItBegins) {
  for (const int attempt : {0, 1, 2, 3}) {
    v1::Event event = At(0);
    event.set_attempt(attempt);
    if (attempt == 2) event.mutable_checkpoint_saved()->set_step(7);
    view.OnEvent(event);
  }
  EXPECT_EQ(out.str(), "attempt 2: begins anew\nattempt 3: goes on from the last checkpoint\n");
}

TEST_F(ProgressViewTest, ALineIsTakenAwayByTheRowsThatItHasNow) {
  int width = 100;
  const Output terminal{Terminal{out, err, true, [&width] { return width; }},
                        Output::Mode::kPeople};
  ProgressView drawn{terminal, v1::Job()};
  v1::Event event = At(0);
  event.mutable_progress()->set_steps_per_epoch(100);
  drawn.OnEvent(event);
  const size_t columns = out.str().size();
  ASSERT_GT(columns, 40u);
  ASSERT_LT(columns, 100u);
  width = static_cast<int>(columns) / 2;  // the window is made narrower: the line takes three rows
  out.str("");
  drawn.OnEvent(event);
  EXPECT_THAT(out.str(),
              ::testing::StartsWith(columns % 2 == 0 ? "\x1b[1A\r\x1b[J" : "\x1b[2A\r\x1b[J"));
}

TEST_F(ProgressViewTest, StagesAreToldWhereThereAreSeveral) {
  v1::Event event = At(0);
  event.mutable_stage_started()->set_stages(1);
  view.OnEvent(event);
  EXPECT_EQ(out.str(), "");
  event.mutable_stage_started()->set_stages(2);
  event.mutable_stage_started()->set_epochs(4);
  event.mutable_stage_started()->set_trainable_params(12345);
  view.OnEvent(event);
  EXPECT_EQ(out.str(), "stage 1/2: 4 epochs, 12,345 weights train\n");
}

TEST_F(ProgressViewTest, WarningsAreShownAndCannotForgeLines) {
  v1::Event event = At(0);
  event.mutable_log_line()->set_text("fine");
  event.mutable_log_line()->set_level(v1::LogLine::INFO);
  view.OnEvent(event);
  EXPECT_EQ(out.str(), "");
  event.mutable_log_line()->set_text("bad\njob j1 SUCCEEDED\r");
  event.mutable_log_line()->set_level(v1::LogLine::WARNING);
  view.OnEvent(event);
  EXPECT_EQ(out.str(), "warning: bad job j1 SUCCEEDED?\n");
}

}  // namespace
}  // namespace gradus::cli
