// SPDX-License-Identifier: Apache-2.0
#include "client/cli/progress_line.h"

#include <gtest/gtest.h>

namespace gradus::cli {
namespace {

TEST(ProgressLine, TheBarHasTwentyCellsAlways) {
  for (int done = -1; done <= 101; ++done) EXPECT_EQ(Bar(done, 100).size(), 22u) << done;
  EXPECT_EQ(Bar(0, 100), "[>...................]");
  EXPECT_EQ(Bar(50, 100), "[==========>.........]");
  EXPECT_EQ(Bar(99, 100), "[===================>]");
  EXPECT_EQ(Bar(100, 100), "[====================]");
  EXPECT_EQ(Bar(0, 0), "[>...................]");
}

TEST(ProgressLine, SaysWhereTrainingStands) {
  v1::Progress progress;
  progress.set_stage(1);
  progress.set_epoch(4);
  progress.set_step_in_epoch(412);
  progress.set_steps_per_epoch(1375);
  progress.set_ms_per_step(10);
  (*progress.mutable_metrics())["accuracy"] = 0.81234;
  (*progress.mutable_metrics())["loss"] = 0.5;
  EXPECT_EQ(ProgressLine(progress, {20, 2, 0}),
            "stage 2/2  epoch 5/20  412/1375 [=====>..............]  ETA 0:09  10.00 ms/step - "
            "loss: 0.5000 - "
            "accuracy: 0.8123");
}

TEST(ProgressLine, AnEpochsLineHasItsTimeAndTheValidation) {
  v1::EpochFinished epoch;
  epoch.set_train_seconds(1);
  epoch.set_seconds(1.5);
  (*epoch.mutable_metrics())["val_accuracy"] = 0.7;
  (*epoch.mutable_metrics())["val_loss"] = 0.6;
  (*epoch.mutable_metrics())["loss"] = 1e-5;
  EXPECT_EQ(EpochLine(epoch, {3, 1, 1000}),
            "stage 1/1  epoch 1/3  1000/1000 [====================]  1.5 s  1.00 ms/step - loss: "
            "1.0000e-05 - "
            "val_loss: 0.6000 - val_accuracy: 0.7000");
}

}  // namespace
}  // namespace gradus::cli
