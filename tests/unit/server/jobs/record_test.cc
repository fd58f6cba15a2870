// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/record.h"

#include <gtest/gtest.h>

#include <limits>

namespace gradus::jobs {
namespace {

v1::Event Epoch(int64_t epoch, double loss, double accuracy) {
  v1::Event event;
  event.mutable_epoch_finished()->set_epoch(epoch);
  (*event.mutable_epoch_finished()->mutable_metrics())["val_loss"] = loss;
  (*event.mutable_epoch_finished()->mutable_metrics())["val_accuracy"] = accuracy;
  return event;
}

TEST(RecordTest, KeepsLastAndBestValues) {
  v1::Job job;
  ApplyEvent(Epoch(0, 0.5, 0.8), job);
  ApplyEvent(Epoch(1, 0.3, 0.9), job);
  ApplyEvent(Epoch(2, 0.4, 0.7), job);
  EXPECT_EQ(job.epoch(), 3);
  EXPECT_EQ(job.metrics().at("val_loss"), 0.4);
  EXPECT_EQ(job.metrics().at("val_accuracy"), 0.7);
  EXPECT_EQ(job.best_metrics().at("val_loss"), 0.3);
  EXPECT_EQ(job.best_metrics().at("val_accuracy"), 0.9);
}

TEST(RecordTest, NaNIsNeverTheBest) {
  v1::Job job;
  ApplyEvent(Epoch(0, std::numeric_limits<double>::quiet_NaN(), 0.8), job);
  ApplyEvent(Epoch(1, 0.3, std::numeric_limits<double>::quiet_NaN()), job);
  EXPECT_EQ(job.best_metrics().at("val_loss"), 0.3);
  EXPECT_EQ(job.best_metrics().at("val_accuracy"), 0.8);
}

TEST(RecordTest, TheBestErrorIsTheLowest) {
  v1::Job job;
  for (const double error : {0.5, 0.25, 0.75}) {
    v1::Event event;
    (*event.mutable_epoch_finished()->mutable_metrics())["val_mean_absolute_error"] = error;
    ApplyEvent(event, job);
  }
  EXPECT_EQ(job.best_metrics().at("val_mean_absolute_error"), 0.25);
}

TEST(RecordTest, AMatrixStaysInItsEvent) {
  v1::Event event;
  (*event.mutable_evaluated()->mutable_metrics())["test_accuracy"] = 0.5;
  (*event.mutable_evaluated()->mutable_metrics())["test_confusion_matrix/0/1"] = 7;
  v1::Job job;
  ApplyEvent(event, job);
  EXPECT_EQ(job.metrics().size(), 1u);
  EXPECT_EQ(job.best_metrics().size(), 1u);
}

TEST(RecordTest, AFoldingTellsItsLargestDifference) {
  v1::Event event;
  event.mutable_model_folded()->set_largest_difference(0.25);
  EXPECT_TRUE(CheckRankEvent(event).ok());
  v1::Job job;
  ApplyEvent(event, job);
  EXPECT_EQ(job.metrics().at("largest_difference"), 0.25);
  EXPECT_TRUE(job.best_metrics().empty());
}

TEST(RecordTest, ProgressTellsWhereTrainingStands) {
  v1::Event event;
  event.mutable_progress()->set_step(123);
  event.mutable_progress()->set_epoch(4);
  event.mutable_progress()->set_stage(1);
  event.mutable_progress()->set_steps_per_epoch(30);
  v1::Job job;
  ApplyEvent(event, job);
  EXPECT_EQ(job.step(), 123);
  EXPECT_EQ(job.epoch(), 4);
  EXPECT_EQ(job.stage(), 1);
  EXPECT_EQ(job.steps_per_epoch(), 30);
}

TEST(RecordTest, RanksCannotTellStatesCheckpointsOrPublications) {
  v1::Event state;
  state.mutable_state_changed()->set_to(v1::Job::SUCCEEDED);
  v1::Event checkpoint;
  checkpoint.mutable_checkpoint_saved()->set_step(1);
  v1::Event published;
  published.mutable_model_published()->set_model("x@1");
  v1::Event nothing;
  for (v1::Event* event : {&state, &checkpoint, &published, &nothing}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckRankEvent(*event)));
  }
}

TEST(RecordTest, LongLinesAreCut) {
  v1::Event event;
  event.mutable_log_line()->set_text(std::string(5000, 'x'));
  EXPECT_TRUE(CheckRankEvent(event).ok());
  EXPECT_EQ(event.log_line().text().size(), 4096u);
}

TEST(RecordTest, ALineIsNotCutInsideACharacter) {
  // Half a character would make the event one that no client can read.
  v1::Event event;
  event.mutable_log_line()->set_text(std::string(4095, 'x') + "\xc3\xa9" + std::string(100, 'x'));
  EXPECT_TRUE(CheckRankEvent(event).ok());
  EXPECT_EQ(event.log_line().text(), std::string(4095, 'x'));
}

}  // namespace
}  // namespace gradus::jobs
