// SPDX-License-Identifier: Apache-2.0
#include "server/worker/outbox.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "tests/support/failing_files.h"
#include "tests/support/temp_dir.h"

namespace gradus::worker {
namespace {

v1::WorkerEvent Progress(int64_t step) {
  v1::WorkerEvent event;
  event.mutable_event()->mutable_progress()->set_step(step);
  return event;
}

v1::WorkerEvent Stage(int32_t stage) {
  v1::WorkerEvent event;
  event.mutable_event()->mutable_stage_started()->set_stage(stage);
  return event;
}

// Everything that can be sent without an acknowledgement.
std::vector<v1::WorkerEvent> TakeAll(Outbox& outbox, size_t count) {
  std::vector<v1::WorkerEvent> taken;
  while (taken.size() < count) {
    const auto batch = outbox.NextBatch();
    if (!batch.has_value()) break;
    taken.insert(taken.end(), batch->events().begin(), batch->events().end());
    outbox.Ack(taken.back().worker_seq());
  }
  return taken;
}

TEST(Outbox, NumbersEventsFromOneInTheirOrder) {
  test_support::TempDir dir;
  Outbox outbox(base::RealFiles(), dir / "spool");
  for (int i = 0; i < 10; ++i) outbox.Push(Progress(100 + i));
  outbox.OpenStream(0);
  const auto batch = outbox.NextBatch();
  ASSERT_EQ(batch->events_size(), 10);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(batch->events(i).worker_seq(), i + 1);
    EXPECT_EQ(batch->events(i).event().progress().step(), 100 + i);
  }
}

TEST(Outbox, ANewStreamSendsAgainWhatWasNotAcknowledged) {
  test_support::TempDir dir;
  Outbox outbox(base::RealFiles(), dir / "spool");
  for (int i = 0; i < 10; ++i) outbox.Push(Progress(i));
  outbox.OpenStream(0);
  outbox.NextBatch();
  outbox.Ack(3);
  outbox.CloseStream();
  EXPECT_FALSE(outbox.NextBatch().has_value());
  outbox.Push(Progress(10));
  outbox.OpenStream(5);
  const std::vector<v1::WorkerEvent> again = TakeAll(outbox, 6);
  ASSERT_EQ(again.size(), 6U);
  for (size_t i = 0; i < again.size(); ++i)
    EXPECT_EQ(again[i].worker_seq(), static_cast<int64_t>(i) + 6);
  EXPECT_TRUE(outbox.Flush());
}

TEST(Outbox, SendsNoMoreThanTheWindow) {
  test_support::TempDir dir;
  Outbox outbox(base::RealFiles(), dir / "spool", {.batch_bytes = 100, .window_bytes = 300});
  for (int i = 0; i < 1000; ++i) outbox.Push(Progress(1'000'000 + i));
  outbox.OpenStream(0);
  std::thread closer;
  int64_t sent = 0;
  while (sent < 100) {
    if (sent > 20 && !closer.joinable()) closer = std::thread([&] { outbox.CloseStream(); });
    const auto batch = outbox.NextBatch();
    if (!batch.has_value()) break;
    sent += batch->events_size();
  }
  if (closer.joinable()) closer.join();
  EXPECT_LT(sent, 60);
}

TEST(Outbox, LongOutagesGoThroughTheSpoolWithoutLossOrDisorder) {
  test_support::TempDir dir;
  Outbox outbox(base::RealFiles(), dir / "spool", {.memory_bytes = 1000, .batch_bytes = 500});
  constexpr int64_t kEvents = 5000;
  for (int64_t i = 0; i < kEvents; ++i) outbox.Push(Progress(i));
  EXPECT_GT(base::RealFiles().Size(dir / "spool").value(), 10'000U);
  outbox.OpenStream(0);
  const std::vector<v1::WorkerEvent> taken = TakeAll(outbox, kEvents);
  ASSERT_EQ(taken.size(), static_cast<size_t>(kEvents));
  for (int64_t i = 0; i < kEvents; ++i) {
    ASSERT_EQ(taken[static_cast<size_t>(i)].worker_seq(), i + 1);
    ASSERT_EQ(taken[static_cast<size_t>(i)].event().progress().step(), i);
  }
  EXPECT_EQ(outbox.left_out(), 0);
}

TEST(Outbox, AFullSpoolLeavesOutProgressAloneAndSaysSo) {
  test_support::TempDir dir;
  Outbox outbox(base::RealFiles(), dir / "spool", {.memory_bytes = 500, .spool_bytes = 2000});
  for (int i = 0; i < 1000; ++i) {
    outbox.Push(Progress(i));
    if (i % 100 == 99) outbox.Push(Stage(i / 100));
  }
  const int64_t left_out = outbox.left_out();
  EXPECT_GT(left_out, 500);
  outbox.OpenStream(0);
  const std::vector<v1::WorkerEvent> taken =
      TakeAll(outbox, static_cast<size_t>(1010 - left_out + 1));
  int stages = 0;
  int warnings = 0;
  for (size_t i = 0; i < taken.size(); ++i) {
    EXPECT_EQ(taken[i].worker_seq(), static_cast<int64_t>(i) + 1)
        << "what is left out leaves no gap";
    if (taken[i].event().has_stage_started()) {
      EXPECT_EQ(taken[i].event().stage_started().stage(), stages++);
    }
    if (taken[i].event().has_log_line()) ++warnings;
  }
  EXPECT_EQ(stages, 10);
  EXPECT_EQ(warnings, 1);
  EXPECT_TRUE(outbox.Flush());
}

TEST(Outbox, ADiskThatFailsCostsProgressAlone) {
  test_support::TempDir dir;
  test_support::FailingFiles files(base::RealFiles());
  const test_support::FileOp writes[] = {test_support::FileOp::kWrite};
  files.FailNth(20, writes, ENOSPC, test_support::FailingFiles::Then::kStaysBroken);
  Outbox outbox(files, dir / "spool", {.memory_bytes = 200});
  for (int i = 0; i < 200; ++i) {
    outbox.Push(Progress(i));
    if (i % 10 == 9) outbox.Push(Stage(i / 10));
  }
  v1::WorkerEvent last;
  last.mutable_finished()->set_outcome(v1::RankFinished::DONE);
  outbox.Push(last);
  EXPECT_GT(outbox.left_out(), 0);
  outbox.OpenStream(0);
  int stages = 0;
  for (bool finished = false; !finished;) {
    const auto batch = outbox.NextBatch();
    ASSERT_TRUE(batch.has_value());
    for (const v1::WorkerEvent& event : batch->events()) {
      ASSERT_FALSE(finished && event.event().has_progress()) << "the last word must stay the last";
      if (event.event().has_stage_started()) {
        EXPECT_EQ(event.event().stage_started().stage(), stages++);
      }
      finished = finished || event.has_finished();
    }
    outbox.Ack(batch->events(batch->events_size() - 1).worker_seq());
  }
  EXPECT_EQ(stages, 20);
}

TEST(Outbox, ShutdownEndsEveryWait) {
  test_support::TempDir dir;
  Outbox outbox(base::RealFiles(), dir / "spool");
  outbox.Push(Progress(1));
  std::thread flusher([&] { EXPECT_FALSE(outbox.Flush()); });
  std::thread sender([&] { EXPECT_FALSE(outbox.NextBatch().has_value()); });
  outbox.Shutdown();
  flusher.join();
  sender.join();
}

}  // namespace
}  // namespace gradus::worker
