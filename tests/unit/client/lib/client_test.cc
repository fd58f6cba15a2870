// SPDX-License-Identifier: Apache-2.0
#include "gradus/client.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/client/lib/testing.h"

namespace gradus {
namespace {

using testing::FakeConnection;

class ClientTest : public ::testing::Test {
 protected:
  std::shared_ptr<FakeConnection> server = std::make_shared<FakeConnection>();
  Client client{server, testing::Impatient()};
};

TEST_F(ClientTest, ALostReplyMakesNoSecondJob) {
  server->lost_replies = true;
  server->faults = {absl::UnavailableError("lost"), absl::DeadlineExceededError("lost")};
  const auto job = client.SubmitJob(v1::JobSpec());
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(server->jobs.size(), 1u);
  EXPECT_EQ(server->submit_ids.size(), 3u);
  EXPECT_EQ(std::set<std::string>(server->submit_ids.begin(), server->submit_ids.end()).size(), 1u);
}

TEST_F(ClientTest, TwoCallsBearTwoIds) {
  ASSERT_TRUE(client.SubmitJob(v1::JobSpec()).ok());
  ASSERT_TRUE(client.SubmitJob(v1::JobSpec()).ok());
  EXPECT_NE(server->submit_ids[0], server->submit_ids[1]);
  EXPECT_LE(server->submit_ids[0].size(), 64u);
  EXPECT_EQ(server->jobs.size(), 2u);
}

TEST_F(ClientTest, FollowsPagesUntilThereAreEnough) {
  for (int i = 0; i < 2500; ++i) ASSERT_TRUE(client.SubmitJob(v1::JobSpec()).ok());
  EXPECT_EQ(client.ListJobs(10'000)->size(), 2500u);
  EXPECT_EQ(client.ListJobs(1700)->size(), 1700u);
  const auto jobs = client.ListJobs(3);
  ASSERT_EQ(jobs->size(), 3u);
  EXPECT_EQ((*jobs)[0].id(), "j000000002500");
}

TEST_F(ClientTest, PassesTheServersErrorOn) {
  EXPECT_EQ(client.GetJob("jnone").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(server->calls, 1);
}

TEST_F(ClientTest, AStoppedClientAsksNothing) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(client.WithStop(stop.get_token()).GetJob("x").status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(server->calls, 0);
}

// The profile of a server that nobody runs, with certificates that look like some.
Profile Nobody() {
  Profile profile;
  profile.set_server("127.0.0.1:1");
  profile.set_ca_pem("none");
  profile.set_token("none");
  return profile;
}

TEST(Connection, AServerThatIsNotThereIsUnavailable) {
  RetryOptions options = testing::Impatient();
  options.deadline = absl::Milliseconds(300);
  const auto client = Client::Connect(Nobody(), options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->WhoAmI().status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace gradus
