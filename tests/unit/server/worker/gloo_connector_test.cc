// SPDX-License-Identifier: Apache-2.0
#include "server/worker/gloo_connector.h"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/link_fixture.h"

namespace gradus::worker {
namespace {

using GroupOr = absl::StatusOr<std::unique_ptr<collective::Group>>;

class GlooConnectorTest : public ::testing::Test, protected test_support::LinkFixture {
 protected:
  static constexpr int64_t kMemberFence = kFence + 1;

  GlooConnectorTest() {
    std::signal(SIGPIPE, SIG_IGN);
    server.AllowMember(kMemberFence);
  }
  std::unique_ptr<ServerLink> LinkOf(int64_t fence) {
    v1::WorkerConfig config = Config();
    config.set_fence(fence);
    return std::make_unique<ServerLink>(config, test_support::PlainChannel, base::RealFiles(),
                                        base::RealClock());
  }
  static v1::Meeting MeetingOf(int64_t generation, int rank) {
    v1::Meeting meeting;
    meeting.set_generation(generation);
    meeting.set_rank(rank);
    meeting.set_size(2);
    meeting.set_secret("known to both");
    return meeting;
  }

  const std::unique_ptr<ServerLink> leader_ = LinkOf(kFence);
  const std::unique_ptr<ServerLink> member_ = LinkOf(kMemberFence);
  std::atomic<bool> given_up_{false};
};

TEST_F(GlooConnectorTest, RanksFindEachOtherByTheServer) {
  const int64_t generation = server.CallMeeting({kFence, kMemberFence});
  GroupOr second;
  std::thread member(
      [&] { second = GlooConnector(*member_)(MeetingOf(generation, 1), given_up_); });
  const GroupOr first = GlooConnector(*leader_)(MeetingOf(generation, 0), given_up_);
  member.join();
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok()) << second.status();
  std::array<std::byte, 3> sent = {std::byte{1}, std::byte{2}, std::byte{3}};
  std::array<std::byte, 3> received{};
  const auto up = (*first)->Send(1, 0, sent);
  const auto down = (*second)->Receive(0, 0, received);
  ASSERT_TRUE(up.ok() && down.ok());
  EXPECT_TRUE((*up)->Wait().ok());
  EXPECT_TRUE((*down)->Wait().ok());
  EXPECT_EQ(received, sent);
}

TEST_F(GlooConnectorTest, ARankAloneNeedsNobody) {
  v1::Meeting alone = MeetingOf(server.CallMeeting({kFence}), 0);
  alone.set_size(1);
  const GroupOr group = GlooConnector(*leader_)(alone, given_up_);
  ASSERT_TRUE(group.ok()) << group.status();
  EXPECT_EQ((*group)->size(), 1);
}

TEST_F(GlooConnectorTest, WhoDoesNotComeIsNotWaitedForWhenTheMeetingIsGivenUp) {
  const int64_t generation = server.CallMeeting({kFence, kMemberFence});
  std::thread run(
      [&] { EXPECT_FALSE(GlooConnector(*leader_)(MeetingOf(generation, 0), given_up_).ok()); });
  given_up_ = true;
  run.join();
}

TEST_F(GlooConnectorTest, AMeetingThatIsOverIsNotConnected) {
  const int64_t generation = server.CallMeeting({kFence, kMemberFence});
  server.CallMeeting({kFence});
  EXPECT_FALSE(GlooConnector(*leader_)(MeetingOf(generation, 0), given_up_).ok());
}

}  // namespace
}  // namespace gradus::worker
