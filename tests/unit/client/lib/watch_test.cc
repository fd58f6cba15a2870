// SPDX-License-Identifier: Apache-2.0
#include "gradus/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/unit/client/lib/testing.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using testing::FakeConnection;

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() {
    server->AddState("j1", v1::Job::QUEUED);
    server->AddState("j1", v1::Job::RUNNING);
    server->AddEvent("j1").mutable_log_line()->set_text("a");
    server->AddEvent("j1").mutable_log_line()->set_text("b");
    server->AddState("j1", v1::Job::SUCCEEDED);
  }

  absl::Status Watch(const WatchOptions& options = {}) {
    return WatchJob(client, "j1", options, [this](const v1::Event& event) {
      seen.push_back(event.seq());
      return absl::OkStatus();
    });
  }

  std::shared_ptr<FakeConnection> server = std::make_shared<FakeConnection>();
  Client client{server, testing::Impatient()};
  std::vector<int64_t> seen;
};

TEST_F(WatchTest, ABrokenStreamGoesOnWithoutGapOrDouble) {
  server->stream_breaks = {2, 0, 1};
  std::vector<bool> outages;
  WatchOptions options;
  options.on_outage = [&](bool lost) { outages.push_back(lost); };
  ASSERT_TRUE(Watch(options).ok());
  EXPECT_THAT(seen, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(server->watched_from, ElementsAre(0, 2, 2, 3));
  EXPECT_THAT(outages, ElementsAre(true, false, true, false, true, false));
}

TEST_F(WatchTest, TheServersReturnIsToldThoughNoEventComes) {
  // Two attempts find nobody; the third one an idle job: its stream gives nothing but breaks again.
  server->stream_breaks = {2, 0};
  server->faults = {absl::UnavailableError("away"), absl::UnavailableError("away")};
  std::vector<std::pair<bool, size_t>> told;  // and how many events were seen by then
  WatchOptions options;
  options.on_outage = [&](bool lost) { told.emplace_back(lost, seen.size()); };
  ASSERT_TRUE(Watch(options).ok());
  EXPECT_THAT(told, ElementsAre(std::pair(true, 2u), std::pair(false, 2u), std::pair(true, 2u),
                                std::pair(false, 2u)));
}

TEST_F(WatchTest, AnOutageBeginsWithTheBreakHoweverLongNothingHappenedBefore) {
  server->stream_breaks = {2};
  WatchOptions options;
  options.longest_outage = absl::Milliseconds(200);
  const absl::Status status = WatchJob(client, "j1", options, [](const v1::Event& event) {
    if (event.seq() == 2) absl::SleepFor(absl::Milliseconds(250));  // a quiet time, then the break
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(WatchTest, BeginsAfterTheSeqThatIsKnown) {
  WatchOptions options;
  options.after_seq = 3;
  ASSERT_TRUE(Watch(options).ok());
  EXPECT_THAT(seen, ElementsAre(4, 5));
}

TEST_F(WatchTest, NothingMoreComesAfterAFinishedLife) {
  WatchOptions options;
  options.after_seq = 5;
  ASSERT_TRUE(Watch(options).ok());
  EXPECT_THAT(seen, ElementsAre());
}

TEST_F(WatchTest, AGapIsAnErrorNotASkip) {
  server->events["j1"].erase(server->events["j1"].begin() + 2);
  EXPECT_EQ(Watch().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_F(WatchTest, TheHandlersErrorEndsIt) {
  const absl::Status status = WatchJob(
      client, "j1", {}, [](const v1::Event&) { return absl::ResourceExhaustedError("disk full"); });
  EXPECT_EQ(status, absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(server->watched_from.size(), 1u);
}

TEST_F(WatchTest, AnUnknownJobIsNotRetried) {
  EXPECT_EQ(WatchJob(client, "jnone", {}, [](const v1::Event&) { return absl::OkStatus(); }).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(WatchTest, GivesUpWhenTheServerStaysAway) {
  server->stream_breaks = {0};
  server->faults = std::deque<absl::Status>(1'000'000, absl::UnavailableError("away"));
  WatchOptions options;
  options.longest_outage = absl::Milliseconds(5);
  EXPECT_EQ(Watch(options).code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(server->faults.size(), 1'000'000u);  // it tried
}

TEST_F(WatchTest, AStopDuringAnOutageEndsIt) {
  std::stop_source stop;
  RetryOptions retry;
  retry.wait = [&stop](absl::Duration, const std::stop_token&) {
    stop.request_stop();
    return false;
  };
  server->stream_breaks = {1};
  const Client stopped = Client(server, retry).WithStop(stop.get_token());
  EXPECT_EQ(WatchJob(stopped, "j1", {}, [](const v1::Event&) { return absl::OkStatus(); }).code(),
            absl::StatusCode::kCancelled);
}

TEST_F(WatchTest, LogsComeOnceThoughTheStreamBreaks) {
  server->stream_breaks = {1};
  std::vector<std::string> lines;
  ASSERT_TRUE(StreamLogs(client, "j1", true, {}, [&](const v1::Event& event) {
                lines.push_back(event.log_line().text());
                return absl::OkStatus();
              }).ok());
  EXPECT_THAT(lines, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace gradus
