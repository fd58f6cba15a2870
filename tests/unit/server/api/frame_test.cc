// SPDX-License-Identifier: Apache-2.0
// The frame around every handler: owners, deadlines, errors on the wire, one log line a call.
#include "server/api/frame.h"

#include <grpcpp/grpcpp.h>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gradus/v1/job_service.grpc.pb.h"
#include "gradus/v1/model_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "server/api/server.h"
#include "server/auth/tls.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_database.h"

namespace gradus::api {
namespace {

using grpc::StatusCode;

// What the handlers do is the test's matter.
class Service final : public v1::JobService::Service {
 public:
  explicit Service(const Frame& frame) : frame_(frame) {}

  grpc::Status GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                      v1::GetJobResponse* response) override {
    return frame_.Handle(
        context, *request, response,
        [&](const Call& call) -> absl::StatusOr<v1::GetJobResponse> {
          RETURN_IF_ERROR(work(*context));
          v1::GetJobResponse made;
          made.mutable_job()->set_owner(call.principal.user);
          return made;
        },
        allowed_micros);
  }
  grpc::Status CancelJob(grpc::ServerContext* context, const v1::CancelJobRequest* request,
                         v1::CancelJobResponse* response) override {
    return frame_.Handle(context, *request, response, [](const Call&) {
      return absl::StatusOr<v1::CancelJobResponse>(v1::CancelJobResponse());
    });
  }

  std::function<absl::Status(grpc::ServerContext&)> work = [](grpc::ServerContext&) {
    return absl::OkStatus();
  };
  std::atomic<int64_t> allowed_micros = kUnaryMicros;

 private:
  const Frame& frame_;
};

// Removes nothing, and counts.
class Removals final : public v1::ModelService::Service {
 public:
  explicit Removals(const Frame& frame) : frame_(frame) {}
  grpc::Status RemoveModel(grpc::ServerContext* context, const v1::RemoveModelRequest* request,
                           v1::RemoveModelResponse* response) override {
    return frame_.Handle(context, *request, response,
                         [&](const Call&) -> absl::StatusOr<v1::RemoveModelResponse> {
                           ++handled;
                           return v1::RemoveModelResponse();
                         });
  }
  std::atomic<int> handled = 0;

 private:
  const Frame& frame_;
};

class FrameTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base::SetLogSink([this](std::string_view line) {
      base::MutexLock lock(mu_);
      log_ += absl::StrCat(absl::string_view(line.data(), line.size()), "\n");
    });
    store_ = *store::Store::Open({.path = database_.path(),
                                  .url = database_.url(),
                                  .files = &base::RealFiles(),
                                  .clock = &base::RealClock()});
    tokens_ = *auth::Tokens::Load(*store_, base::RealClock(), base::SystemRandom());
    authority_ = *auth::Authority::Open(base::RealFiles(), base::RealClock(), dir_ / "tls");
    ASSERT_TRUE(authority_->EnsureServerCertificate(auth::ServerHosts("127.0.0.1")).ok());
    gate_ = std::make_shared<Gate>(*tokens_);
    const Owners owners{.job = [this](const std::string& id) -> absl::StatusOr<std::string> {
                          ++look_ups_;
                          if (id == "anns") return "ann";
                          return absl::NotFoundError("no such job");
                        },
                        .model = [](const std::string& ref) -> absl::StatusOr<std::string> {
                          if (ref == "anns@1") return "ann";
                          return absl::NotFoundError("no such model");
                        }};
    frame_ = std::make_unique<Frame>(*gate_, owners, rate_, watch_, base::RealClock());
    service_ = std::make_unique<Service>(*frame_);
    removals_ = std::make_unique<Removals>(*frame_);
    server_ = *Server::Start({.listen = {.host = "127.0.0.1", .port = 0},
                              .ca_path = authority_->ca_path(),
                              .cert_path = authority_->server_cert_path(),
                              .key_path = authority_->server_key_path()},
                             gate_, watch_, {service_.get(), removals_.get()});
    const grpc::SslCredentialsOptions tls{authority_->ca_pem(), "", ""};
    const auto channel = grpc::CreateChannel(server_->address().Text(), grpc::SslCredentials(tls));
    stub_ = v1::JobService::NewStub(channel);
    models_ = v1::ModelService::NewStub(channel);
  }
  void TearDown() override {
    server_.reset();
    base::SetLogSink({});
  }

  grpc::Status Get(const std::string& user, auth::Role role, const std::string& id,
                   v1::GetJobResponse* response = nullptr) {
    grpc::ClientContext context;
    context.AddMetadata("authorization",
                        absl::StrCat("Bearer ", *tokens_->Issue(user, role, auth::kMicrosPerDay)));
    v1::GetJobRequest request;
    request.set_id(id);
    v1::GetJobResponse own;
    return stub_->GetJob(&context, request, response == nullptr ? &own : response);
  }
  std::string Log() {
    base::MutexLock lock(mu_);
    return log_;
  }

  base::Mutex mu_;
  std::string log_;
  std::atomic<int> look_ups_ = 0;
  test_support::TempDir dir_;
  test_support::TestDatabase database_{dir_ / "gradus.db"};
  CallWatch watch_{base::RealClock()};
  RateLimiter rate_{base::RealClock(), {.burst = 3, .per_second = 0.001}};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<auth::Tokens> tokens_;
  std::unique_ptr<auth::Authority> authority_;
  std::shared_ptr<Gate> gate_;
  std::unique_ptr<Frame> frame_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Removals> removals_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::JobService::Stub> stub_;
  std::unique_ptr<v1::ModelService::Stub> models_;
};

TEST_F(FrameTest, TheHandlerKnowsItsCaller) {
  v1::GetJobResponse response;
  EXPECT_TRUE(Get("ann", auth::Role::kUser, "anns", &response).ok());
  EXPECT_EQ(response.job().owner(), "ann");
}

// Whoever removed a model asks again for the answer: its handler knows whether there is one.
TEST_F(FrameTest, AModelThatIsGoneReachesAHandlerThatWrites) {
  const auto remove = [this](const std::string& ref) {
    grpc::ClientContext context;
    context.AddMetadata(
        "authorization",
        absl::StrCat("Bearer ", *tokens_->Issue("bob", auth::Role::kUser, auth::kMicrosPerDay)));
    v1::RemoveModelRequest request;
    request.set_ref(ref);
    v1::RemoveModelResponse response;
    return models_->RemoveModel(&context, request, &response).error_code();
  };
  EXPECT_EQ(remove("anns@1"), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(removals_->handled, 0);
  EXPECT_EQ(remove("gone@1"), StatusCode::OK);
  EXPECT_EQ(removals_->handled, 1);
}

TEST_F(FrameTest, AnothersObjectNeverReachesTheHandler) {
  std::atomic<int> handled = 0;
  service_->work = [&](grpc::ServerContext&) {
    ++handled;
    return absl::OkStatus();
  };
  EXPECT_EQ(Get("bob", auth::Role::kUser, "anns").error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Get("bob", auth::Role::kUser, "nobodys").error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(handled, 0);
  EXPECT_TRUE(Get("root", auth::Role::kAdmin, "anns").ok());
  EXPECT_EQ(handled, 1);
}

TEST_F(FrameTest, AFieldsErrorTravelsAsABadRequest) {
  service_->work = [](grpc::ServerContext&) {
    return base::InvalidArgument("spec.fit.epochs", "-1", "a number from 0");
  };
  const grpc::Status status = Get("ann", auth::Role::kUser, "anns");
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  google::rpc::Status details;
  google::rpc::BadRequest bad;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  ASSERT_EQ(details.details_size(), 1);
  ASSERT_TRUE(details.details(0).UnpackTo(&bad));
  EXPECT_EQ(bad.field_violations(0).field(), "spec.fit.epochs");
}

TEST_F(FrameTest, ACallThatTakesTooLongIsCutOffByTheServer) {
  service_->allowed_micros = 50'000;
  service_->work = [](grpc::ServerContext& context) {
    while (!context.IsCancelled()) std::this_thread::yield();
    return absl::InternalError("interrupted");
  };
  // The client has no deadline at all.
  const StatusCode code = Get("ann", auth::Role::kUser, "anns").error_code();
  EXPECT_TRUE(code == StatusCode::CANCELLED || code == StatusCode::DEADLINE_EXCEEDED) << code;
}

TEST_F(FrameTest, LongCallsOfOneUserLeaveThreadsToOthers) {
  constexpr int kCalls = 60;
  service_->allowed_micros = 2 * kUnaryMicros;
  base::CondVar changed;
  int inside = 0;
  int refused = 0;
  bool leave = false;
  service_->work = [&](grpc::ServerContext&) {
    base::MutexLock lock(mu_);
    ++inside;
    changed.SignalAll();
    changed.Wait(mu_, [&] { return leave; });
    return absl::OkStatus();
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < kCalls; ++i) {
    callers.emplace_back([&] {
      const grpc::Status status = Get("ann", auth::Role::kUser, "anns");
      base::MutexLock lock(mu_);
      refused += status.error_code() == StatusCode::RESOURCE_EXHAUSTED ? 1 : 0;
      changed.SignalAll();
    });
  }
  {
    base::MutexLock lock(mu_);
    changed.Wait(mu_, [&] { return inside + refused == kCalls; });
    EXPECT_EQ(inside, 8);
  }
  service_->allowed_micros = kUnaryMicros;
  EXPECT_EQ(Get("bob", auth::Role::kUser, "nobodys").error_code(), StatusCode::NOT_FOUND);
  {
    base::MutexLock lock(mu_);
    leave = true;
    changed.SignalAll();
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_TRUE(Get("ann", auth::Role::kUser, "anns").ok()) << "places are given back";
}

TEST_F(FrameTest, WritesCountAgainstAUsersRateAndNotAnAdmins) {
  const auto cancels = [this](const std::string& user, auth::Role role) {
    int granted = 0;
    for (int i = 0; i < 6; ++i) {
      grpc::ClientContext context;
      context.AddMetadata(
          "authorization",
          absl::StrCat("Bearer ", *tokens_->Issue(user, role, auth::kMicrosPerDay)));
      v1::CancelJobRequest request;
      request.set_id("anns");
      v1::CancelJobResponse response;
      const grpc::Status status = stub_->CancelJob(&context, request, &response);
      granted += status.ok() ? 1 : 0;
      EXPECT_TRUE(status.ok() || status.error_code() == StatusCode::RESOURCE_EXHAUSTED)
          << status.error_message();
    }
    return granted;
  };
  EXPECT_EQ(cancels("ann", auth::Role::kUser), 3);
  EXPECT_EQ(cancels("root", auth::Role::kAdmin), 6);
  EXPECT_TRUE(Get("ann", auth::Role::kUser, "anns").ok()) << "reading is not limited";
}

TEST_F(FrameTest, EveryCallIsOneLineOfTheLog) {
  EXPECT_TRUE(Get("ann", auth::Role::kUser, "anns").ok());
  server_.reset();
  const std::string log = Log();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
  EXPECT_THAT(log,
              ::testing::AllOf(::testing::HasSubstr("/gradus.v1.JobService/GetJob"),
                               ::testing::HasSubstr("\"ann\""), ::testing::HasSubstr("\"anns\""),
                               ::testing::HasSubstr("\"OK\"")));
}

}  // namespace
}  // namespace gradus::api
