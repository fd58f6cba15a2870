// SPDX-License-Identifier: Apache-2.0
#include "server/worker/notes.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>

#include "tests/support/link_fixture.h"

namespace gradus::worker {
namespace {

using Found = std::map<std::string, std::string>;

class NotesTest : public ::testing::Test, protected test_support::LinkFixture {
 protected:
  ServerLink link_{Config(), test_support::PlainChannel, base::RealFiles(), base::RealClock()};
  std::atomic<bool> given_up_{false};
  Notes notes_{link_, server.CallMeeting({kFence}), given_up_};
};

TEST_F(NotesTest, BringsWhatWasLeftAndNothingElse) {
  ASSERT_TRUE(notes_.Put("a", std::string("\0\xff", 2)).ok());
  EXPECT_EQ(notes_.Get({"a", "b"}).value(), (Found{{"a", std::string("\0\xff", 2)}}));
}

TEST_F(NotesTest, AnOlderMeetingIsOver) {
  server.CallMeeting({kFence});
  EXPECT_TRUE(absl::IsAborted(notes_.Put("a", "1")));
  EXPECT_TRUE(absl::IsAborted(notes_.Get({"a"}).status()));
}

TEST_F(NotesTest, WaitsForAServerThatIsAway) {
  server.Stop();
  std::thread rank([&] { EXPECT_TRUE(notes_.Put("a", "1").ok()); });
  server.Start();
  WriteEndpoint();
  rank.join();
  EXPECT_EQ(notes_.Get({"a"}).value(), (Found{{"a", "1"}}));
}

TEST_F(NotesTest, GivesUpWhenTheMeetingIs) {
  server.Stop();
  std::thread rank([&] { EXPECT_TRUE(absl::IsAborted(notes_.Get({"a"}).status())); });
  given_up_ = true;
  rank.join();
}

TEST_F(NotesTest, EndsWithTheLink) {
  server.Stop();
  std::thread rank([&] { EXPECT_FALSE(notes_.Put("a", "1").ok()); });
  link_.Shutdown();
  rank.join();
}

TEST_F(NotesTest, AFencedOffRankHearsIt) {
  server.FenceOff();
  EXPECT_EQ(notes_.Put("a", "1").code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace gradus::worker
