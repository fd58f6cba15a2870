// SPDX-License-Identifier: Apache-2.0
#include "client/cli/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "gradus/v1/job.pb.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

using ::testing::HasSubstr;

v1::Job Example() {
  v1::Job job;
  job.set_id("j1");
  job.set_name("caf\xc3\xa9");
  job.set_state(v1::Job::RUNNING);
  job.set_step(1234567);
  job.set_epoch(3);
  job.set_total_epochs(20);
  (*job.mutable_metrics())["loss"] = 0.5;
  job.mutable_spec()->mutable_fit()->set_seed(7);
  return job;
}

TEST(Table, ReadsEveryKindOfField) {
  const v1::Job job = Example();
  EXPECT_EQ(Cell(job, {"", "state"}), "RUNNING");
  EXPECT_EQ(Cell(job, {"", "step", Format::kCount}), "1,234,567");
  EXPECT_EQ(Cell(job, {"", "step", Format::kBytes}), "1.2 MiB");
  EXPECT_EQ(Cell(job, {"", "epoch/total_epochs"}), "3/20");
  EXPECT_EQ(Cell(job, {"", "metrics[loss]", Format::kMetric}), "0.5000");
  EXPECT_EQ(Cell(job, {"", "metrics[none]", Format::kMetric}), "");
  EXPECT_EQ(Cell(job, {"", "metrics"}), "loss 0.5000");
  EXPECT_EQ(Cell(job, {"", "queued_at", Format::kTime}), "");
  EXPECT_EQ(Cell(job, {"", "attempt", Format::kNonZero}), "");
  EXPECT_EQ(Cell(job, {"", "spec.model.input_shape", Format::kShape}), "()");
  EXPECT_EQ(Cell(job, {"", "no_such_field"}), "");
}

TEST(Table, AlignsByColumnsNotBytes) {
  const v1::Job job = Example();
  EXPECT_EQ(Table({&job}, {{"NAME", "name"}, {"STEP", "step", Format::kText, true}}, 0),
            "NAME     STEP\n"
            "caf\xc3\xa9  1234567\n");
}

TEST(Table, FitsTheTerminalByCuttingTheWidest) {
  v1::Job job = Example();
  job.set_reason(std::string(300, 'r'));
  const std::string text = Table(
      {&job},
      {{"ID", "id"}, {"STATE", "state"}, {.title = "REASON", .path = "reason", .cut = true}}, 40);
  for (const absl::string_view line : absl::StrSplit(text, '\n'))
    EXPECT_LE(support::DisplayWidth(line), 40u);
  EXPECT_THAT(text, HasSubstr("j1  RUNNING  rrr"));
  EXPECT_THAT(text, HasSubstr("\xe2\x80\xa6"));
}

TEST(Table, NarrowTerminalsLoseTheLeastImportantColumnsWhole) {
  v1::Job job = Example();
  job.set_name(std::string(100, 'n'));
  const std::vector<Column> columns = {{"ID", "id"},
                                       {.title = "NAME", .path = "name", .cut = true},
                                       {.title = "STATE", .path = "state", .drop = 1},
                                       {.title = "STEP", .path = "step", .right = true, .drop = 2}};
  EXPECT_EQ(Table({&job}, columns, 36),
            "ID  NAME            STATE       STEP\n"
            "j1  nnnnnnnnnnnnn\xe2\x80\xa6  RUNNING  1234567\n");
  EXPECT_EQ(Table({&job}, columns, 30),
            "ID  NAME               STATE\n"
            "j1  nnnnnnnnnnnnnnnn\xe2\x80\xa6  RUNNING\n");
  EXPECT_EQ(Table({&job}, columns, 20),
            "ID  NAME\n"
            "j1  nnnnnnnnnnnnnnn\xe2\x80\xa6\n");
  EXPECT_EQ(Table({&job}, columns, 12),
            "ID  NAME\n"
            "j1  nnnnnnn\xe2\x80\xa6\n");
}

TEST(Table, CutsBetweenCharactersOnly) {
  v1::Job job;
  for (int i = 0; i < 50; ++i) job.mutable_reason()->append("\xc3\xa9");
  EXPECT_EQ(support::FirstInvalidUtf8(
                Table({&job}, {{.title = "REASON", .path = "reason", .cut = true}}, 10)),
            std::nullopt);
}

TEST(Table, AFactSheetLeavesOutWhatIsNotKnown) {
  const v1::Job job = Example();
  EXPECT_EQ(FactSheet(job, {{"id", "id"}, {"published", "published"}, {"state", "state"}}),
            "id     j1\nstate  RUNNING\n");
}

}  // namespace
}  // namespace gradus::cli
