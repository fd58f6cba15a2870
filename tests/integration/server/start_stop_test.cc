// SPDX-License-Identifier: Apache-2.0
// Starts that must fail with a reason, stops that lose nothing, and what never comes into the log.
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/file_ops.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/server/gradusd.h"

namespace gradus::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRefused = 1;
constexpr int kUsage = 2;

TEST(Start, SettingsThatAreWrongEndItWithTheReason) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"listen_on: 127.0.0.1:1", "listen_on"},
      {"cores: 0", "cores: 0 is not"},
      {"memory: lots", "memory"},
      {"drain_seconds: 1000", "drain_seconds"},
      {"max_attempts: [1, 2]", "max_attempts"},
  };
  for (const auto& [settings, reason] : bad) {
    Gradusd server({.settings = settings});
    server.Spawn();
    EXPECT_EQ(server.Await(), kUsage) << settings;
    EXPECT_THAT(server.Log(), AllOf(HasSubstr("gradusd: "), HasSubstr(reason)));
    EXPECT_NE(access((server / "endpoint").c_str(), F_OK), 0);
  }
}

TEST(Start, AFolderIsServedByOneServerAtATime) {
  Gradusd first;
  first.Start();
  Gradusd second(first, {});
  second.Spawn();
  EXPECT_EQ(second.Await(), kRefused);
  EXPECT_THAT(first.Log(), HasSubstr("in use by another gradusd"));
  EXPECT_FALSE(Submit(first, "ann", "r1").empty());
}

TEST(Start, APortThatIsTakenIsTold) {
  Gradusd first;
  first.Start();
  Gradusd second({.listen = first.AdminProfile().server()});
  second.Spawn();
  EXPECT_EQ(second.Await(), kRefused);
  EXPECT_THAT(second.Log(),
              AllOf(HasSubstr(absl::StrCat("cannot listen on ", first.AdminProfile().server())),
                    HasSubstr("in use")));
}

TEST(Start, SecretsAreForTheirOwnerAloneAndNeverLogged) {
  Gradusd server;
  server.Start();
  const v1::Profile profile = server.AdminProfile();
  for (const char* name : {"admin.profile", "tls/authority.pem", "tls/server.key"}) {
    struct stat info = {};
    ASSERT_EQ(stat((server / name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
  }
  AwaitState(server, Submit(server, "ann", "r1"), {v1::Job::SUCCEEDED});
  Context context("gradus_" + std::string(64, 'a'));
  v1::WhoAmIResponse me;
  EXPECT_EQ(server.admin().WhoAmI(&context, {}, &me).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(server.Stop(), 0);
  const std::string log = server.Log();
  for (const std::string& secret :
       {profile.token(), server.TokenOf("ann"), "gradus_" + std::string(64, 'a')}) {
    EXPECT_THAT(log, Not(HasSubstr(secret.substr(7))));
  }
  EXPECT_THAT(log, Not(HasSubstr("PRIVATE KEY")));
  for (const absl::string_view line : absl::StrSplit(log, '\n', absl::SkipEmpty()))
    EXPECT_EQ(line.front(), '{') << line;
}

TEST(Start, AnAddressThatIsNotLoopbackDemandsAClientsCertificate) {
  Gradusd server({.listen = "0.0.0.0:0"});
  server.Start();
  EXPECT_FALSE(Submit(server, "ann", "r1").empty()) << "with the profile's certificate";
  const v1::Profile profile = server.AdminProfile();
  const auto bare =
      grpc::CreateChannel(profile.server(), grpc::SslCredentials({profile.ca_pem(), "", ""}));
  Context context(profile.token());
  v1::WhoAmIResponse me;
  EXPECT_EQ(v1::AdminService::NewStub(bare)->WhoAmI(&context, {}, &me).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST(Start, TheAuthorityAndTheProfileStayTheSameOverRestarts) {
  Gradusd server;
  server.Start();
  const v1::Profile first = server.AdminProfile();
  EXPECT_EQ(server.Stop(), 0);
  server.Start();
  const v1::Profile second = server.AdminProfile();
  EXPECT_EQ(first.ca_pem(), second.ca_pem());
  EXPECT_EQ(first.token(), second.token());
}

TEST(Stop, ASigtermSavesRunningJobsAndTheyGoOnAtTheNextStart) {
  Gradusd server({.stub = "steps=150,rate=100"});
  server.Start();
  const std::string id = Submit(server, "ann", "r1");
  AwaitState(server, id, {v1::Job::RUNNING});
  EXPECT_EQ(server.Stop(), 0);
  server.Start();
  const v1::Job job = AwaitState(server, id, {v1::Job::SUCCEEDED, v1::Job::FAILED});
  EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.reason();
  EXPECT_EQ(job.attempt(), 2);
  EXPECT_EQ(job.step(), 150);
}

TEST(Stop, AWatcherHearsThatTheServerStopsAndGoesOnAfterwards) {
  Gradusd server({.stub = "steps=150,rate=100"});
  server.Start();
  const std::string id = Submit(server, "ann", "r1");
  AwaitState(server, id, {v1::Job::RUNNING});
  Context context(server.TokenOf("ann"));
  const auto stream = server.jobs().WatchJob(&context, ForJob<v1::WatchJobRequest>(id));
  v1::WatchJobResponse response;
  ASSERT_TRUE(stream->Read(&response));
  int64_t last = response.events().rbegin()->seq();
  const pid_t running = server.pid();
  kill(running, SIGTERM);
  while (stream->Read(&response)) {
    EXPECT_EQ(response.events(0).seq(), last + 1);
    last = response.events().rbegin()->seq();
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(server.Await(), 0);
  server.Start();
  grpc::Status status;
  const std::vector<v1::Event> rest = Watch(server, "ann", id, last, &status);
  EXPECT_TRUE(status.ok());
  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(rest.front().seq(), last + 1);
  EXPECT_EQ(rest.back().state_changed().to(), v1::Job::SUCCEEDED);
}

TEST(Stop, AfterAKillARunningRankComesBackToTheSameAttempt) {
  Gradusd server({.stub = "steps=300,rate=100"});
  server.Start();
  const std::string id = Submit(server, "ann", "r1");
  AwaitState(server, id, {v1::Job::RUNNING});
  server.Kill();
  server.Start();
  const v1::Job job = AwaitState(server, id, {v1::Job::SUCCEEDED, v1::Job::FAILED});
  EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.reason();
  EXPECT_EQ(job.attempt(), 1);
  grpc::Status status;
  const std::vector<v1::Event> events = Watch(server, "ann", id, 0, &status);
  for (size_t i = 0; i < events.size(); ++i)
    EXPECT_EQ(events[i].seq(), static_cast<int64_t>(i) + 1);
}

}  // namespace
}  // namespace gradus::test
