// SPDX-License-Identifier: Apache-2.0
// The listening server and its door: every method of the policy table, with every kind of token,
// over real TLS.
#include "server/api/server.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/api/reflection_limit.h"
#include "server/auth/tls.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_database.h"

namespace gradus::api {
namespace {

using grpc::StatusCode;

// A folder with authority and tokens, and a server without services of ours: a call to them that
// passes the door ends in UNIMPLEMENTED.
class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base::SetLogSink([](std::string_view) {});
    store_ = *store::Store::Open({.path = database_.path(),
                                  .url = database_.url(),
                                  .files = &base::RealFiles(),
                                  .clock = &clock_});
    tokens_ = *auth::Tokens::Load(*store_, clock_, base::SystemRandom());
    authority_ = *auth::Authority::Open(base::RealFiles(), base::RealClock(), dir_ / "tls");
    ASSERT_TRUE(authority_->EnsureServerCertificate(auth::ServerHosts("127.0.0.1")).ok());
    Start(false);
  }
  void TearDown() override {
    server_.reset();
    base::SetLogSink({});
  }

  void Start(bool require_client_certificate) {
    server_.reset();
    auto server = Server::Start({.listen = {.host = "127.0.0.1", .port = 0},
                                 .ca_path = authority_->ca_path(),
                                 .cert_path = authority_->server_cert_path(),
                                 .key_path = authority_->server_key_path(),
                                 .require_client_certificate = require_client_certificate},
                                std::make_shared<Gate>(*tokens_), watch_, {});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    Connect({});
  }

  void Connect(const auth::Identity& identity) {
    const grpc::SslCredentialsOptions tls{authority_->ca_pem(), identity.key_pem,
                                          identity.cert_pem};
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = std::make_unique<grpc::GenericStub>(
        grpc::CreateCustomChannel(server_->address().Text(), grpc::SslCredentials(tls), arguments));
  }

  // What a call of `method` with this `authorization` ends in.
  grpc::Status Call(const std::string& method, const std::vector<std::string>& authorizations) {
    grpc::ClientContext context;
    for (const std::string& value : authorizations) context.AddMetadata("authorization", value);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    grpc::CompletionQueue queue;
    auto call = stub_->PrepareCall(&context, method, &queue);
    void* tag = nullptr;
    bool ok = false;
    call->StartCall(&context);
    queue.Next(&tag, &ok);
    // Half-close at once; the status says what became of it.
    call->WritesDone(&context);
    queue.Next(&tag, &ok);
    grpc::Status status;
    call->Finish(&status, &context);
    queue.Next(&tag, &ok);
    return status;
  }
  grpc::Status CallWith(absl::string_view method, const std::string& secret) {
    return Call(std::string(method), {absl::StrCat("Bearer ", secret)});
  }

  std::string Issue(auth::Role role, int64_t life = auth::kLongestTokenLife) {
    return *tokens_->Issue("ann", role, life);
  }
  std::string IssueForAttempt() {
    std::string secret;
    EXPECT_TRUE(store_
                    ->Write([&](store::Tx& tx) -> absl::Status {
                      ASSIGN_OR_RETURN(secret, tokens_->IssueForAttempt(tx, "j1", 1));
                      return absl::OkStatus();
                    })
                    .ok());
    return secret;
  }
  // Whether the door let the call through to where the services would be.
  static bool Passed(const grpc::Status& status) {
    return status.error_code() != StatusCode::UNAUTHENTICATED &&
           status.error_code() != StatusCode::PERMISSION_DENIED &&
           status.error_code() != StatusCode::UNAVAILABLE;
  }

  test_support::TempDir dir_;
  test_support::TestDatabase database_{dir_ / "gradus.db"};
  test_support::FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<auth::Tokens> tokens_;
  std::unique_ptr<auth::Authority> authority_;
  CallWatch watch_{base::RealClock()};
  std::unique_ptr<Server> server_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

TEST_F(ServerTest, WithoutAValidTokenNothingButHealthAnswers) {
  const std::string expired = Issue(auth::Role::kAdmin, auth::kMicrosPerDay);
  const std::string revoked = *tokens_->Issue("bob", auth::Role::kAdmin, auth::kLongestTokenLife);
  const std::string valid = Issue(auth::Role::kAdmin, 2 * auth::kMicrosPerDay);
  clock_.Advance(auth::kMicrosPerDay);
  ASSERT_TRUE(tokens_->RevokeUser("bob").ok());
  const std::vector<std::vector<std::string>> bad = {
      {},
      {"Bearer "},
      {valid},                                    // no scheme
      {"Basic " + valid},                         // another scheme
      {"Bearer " + expired},                      // too late
      {"Bearer " + revoked},                      // taken back
      {"Bearer gradus_" + std::string(64, '0')},  // never given
      {"Bearer " + valid, "Bearer " + valid},     // which?
  };
  for (const auth::Rule& rule : auth::Rules()) {
    for (const auto& authorizations : bad) {
      const grpc::Status status = Call(std::string(rule.method), authorizations);
      if (rule.open) {
        EXPECT_TRUE(Passed(status)) << rule.method << " " << status.error_message();
      } else {
        EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED)
            << rule.method << " " << ::testing::PrintToString(authorizations);
      }
    }
  }
}

TEST_F(ServerTest, EveryMethodTakesTheRolesOfItsRowAndNoOthers) {
  const std::vector<std::pair<auth::Role, std::string>> callers = {
      {auth::Role::kUser, Issue(auth::Role::kUser)},
      {auth::Role::kAdmin, Issue(auth::Role::kAdmin)},
      {auth::Role::kWorker, IssueForAttempt()}};
  for (const auth::Rule& rule : auth::Rules()) {
    for (const auto& [role, secret] : callers) {
      const grpc::Status status = CallWith(rule.method, secret);
      const bool allowed = rule.open || auth::ReachOf(rule, role) != auth::Reach::kNone;
      EXPECT_EQ(Passed(status), allowed)
          << rule.method << " as " << auth::RoleName(role) << ": " << status.error_code();
      if (!allowed) {
        EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED) << rule.method;
      }
    }
  }
}

TEST_F(ServerTest, MethodsWithoutARowAreRefusedEvenToAdmins) {
  const std::string admin = Issue(auth::Role::kAdmin);
  for (const char* method : {"/gradus.v1.JobService/DropAll", "/nope.X/Y", "/"}) {
    EXPECT_EQ(Call(method, {}).error_code(), StatusCode::UNAUTHENTICATED) << method;
    EXPECT_EQ(CallWith(method, admin).error_code(), StatusCode::PERMISSION_DENIED) << method;
  }
}

// Each stream of reflection holds a thread of those that answer all other calls.
TEST_F(ServerTest, IdleStreamsOfReflectionDoNotTakeTheThreads) {
  const std::string secret = Issue(auth::Role::kUser);
  const std::string method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  constexpr int kStreams = 60;
  struct Stream {
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call;
    grpc::Status status;
  };
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Stream>> streams;
  void* tag = nullptr;
  bool ok = false;
  for (int i = 0; i < kStreams; ++i) {
    streams.push_back(std::make_unique<Stream>());
    Stream& stream = *streams.back();
    stream.context.AddMetadata("authorization", absl::StrCat("Bearer ", secret));
    stream.call = stub_->PrepareCall(&stream.context, method, &queue);
    stream.call->StartCall(nullptr);
    queue.Next(&tag, &ok);
    stream.call->Finish(&stream.status, &stream);
  }
  // All but the few that may stay are ended by the server.
  for (int i = 0; i < kStreams - kReflectionStreams; ++i) ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(
      CallWith("/grpc.channelz.v1.Channelz/GetServers", Issue(auth::Role::kAdmin)).error_code(),
      StatusCode::INTERNAL)
      << "it was handled, and missed its request";
  for (const auto& stream : streams) stream->context.TryCancel();
  for (int i = 0; i < kReflectionStreams; ++i) ASSERT_TRUE(queue.Next(&tag, &ok));
}

TEST_F(ServerTest, ARevokedTokenEndsWithTheNextCallOnTheSameConnection) {
  const std::string secret = Issue(auth::Role::kUser);
  EXPECT_TRUE(Passed(CallWith("/gradus.v1.JobService/GetJob", secret)));
  ASSERT_TRUE(tokens_->RevokeUser("ann").ok());
  EXPECT_EQ(CallWith("/gradus.v1.JobService/GetJob", secret).error_code(),
            StatusCode::UNAUTHENTICATED);
}

TEST_F(ServerTest, AStrangersClientCertificateIsRefused) {
  const auto stranger = auth::Authority::Open(base::RealFiles(), base::RealClock(), dir_ / "other");
  ASSERT_TRUE(stranger.ok());
  Connect(*(*stranger)->IssueClient("ann"));
  EXPECT_EQ(CallWith("/gradus.v1.JobService/GetJob", Issue(auth::Role::kAdmin)).error_code(),
            StatusCode::UNAVAILABLE);
  Connect(*authority_->IssueClient("ann"));
  EXPECT_TRUE(Passed(CallWith("/gradus.v1.JobService/GetJob", Issue(auth::Role::kAdmin))));
}

TEST_F(ServerTest, WhereCertificatesAreDemandedATokenAloneIsNotEnough) {
  Start(true);
  const std::string admin = Issue(auth::Role::kAdmin);
  EXPECT_EQ(CallWith("/gradus.v1.JobService/GetJob", admin).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(Call("/grpc.health.v1.Health/Check", {}).error_code(), StatusCode::UNAVAILABLE);
  Connect(*authority_->IssueClient("ann"));
  EXPECT_TRUE(Passed(CallWith("/gradus.v1.JobService/GetJob", admin)));
  EXPECT_EQ(Call("/gradus.v1.JobService/GetJob", {}).error_code(), StatusCode::UNAUTHENTICATED);
}

TEST_F(ServerTest, PlainTextIsNotAnswered) {
  stub_ = std::make_unique<grpc::GenericStub>(
      grpc::CreateChannel(server_->address().Text(), grpc::InsecureChannelCredentials()));
  EXPECT_EQ(CallWith("/gradus.v1.JobService/GetJob", Issue(auth::Role::kAdmin)).error_code(),
            StatusCode::UNAVAILABLE);
}

TEST_F(ServerTest, ASecondServerOnThePortIsRefusedWithTheReason) {
  const auto second = Server::Start({.listen = server_->address(),
                                     .ca_path = authority_->ca_path(),
                                     .cert_path = authority_->server_cert_path(),
                                     .key_path = authority_->server_key_path()},
                                    std::make_shared<Gate>(*tokens_), watch_, {});
  EXPECT_THAT(std::string(second.status().message()),
              ::testing::HasSubstr("Address already in use"));
}

}  // namespace
}  // namespace gradus::api
