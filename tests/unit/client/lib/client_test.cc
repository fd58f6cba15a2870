// SPDX-License-Identifier: Apache-2.0
#include "gradus/client.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "proto/support/status.h"
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

// A lost connection is made again in that time only where the wait is the connection's.
TEST_F(ClientTest, BetweenAttemptsItWaitsAsItsConnectionDoes) {
  server->faults = {absl::UnavailableError("away"), absl::UnavailableError("away")};
  EXPECT_TRUE(Client(server).WhoAmI().ok());
  EXPECT_EQ(server->waits, 2);
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

// The profile of a server that nobody runs.
Profile Nobody() {
  Profile profile;
  profile.set_server("127.0.0.1:1");
  profile.set_token("none");
  return profile;
}

TEST(Connection, ACertificateOrAKeyThatIsNoneIsNamed) {
  for (const char* field : {"ca_pem", "client_cert_pem", "client_key_pem"}) {
    Profile profile = Nobody();
    profile.GetReflection()->SetString(
        &profile, Profile::descriptor()->FindFieldByName(field),
        "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n");
    const absl::Status status = Client::Connect(profile).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
    EXPECT_EQ(support::FieldOf(status), field);
  }
}

TEST(Connection, AStopEndsACallThatIsUnderWay) {
  // A port that is listened on by somebody who never answers.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  Profile profile = Nobody();
  profile.set_server(absl::StrCat("127.0.0.1:", ntohs(address.sin_port)));
  RetryOptions options;
  options.deadline = options.attempt = absl::Hours(1);
  const auto client = Client::Connect(profile, options);
  ASSERT_TRUE(client.ok()) << client.status();
  std::stop_source stop;
  std::thread asker([&] {
    EXPECT_EQ(client->WithStop(stop.get_token()).WhoAmI().status().code(),
              absl::StatusCode::kCancelled);
  });
  pollfd incoming = {listener, POLLIN, 0};
  EXPECT_EQ(poll(&incoming, 1, 60'000), 1);  // the call is on its way
  stop.request_stop();
  asker.join();
  close(listener);
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
