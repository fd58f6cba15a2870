// SPDX-License-Identifier: Apache-2.0
// Who reaches which job: every method of JobService on one's own job, another's, and none.
#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/server/gradusd.h"

namespace gradus::test {
namespace {

using grpc::StatusCode;
using Caller = std::function<grpc::Status(Gradusd&, Context&, const std::string& id)>;

template <typename Request, typename Response>
Caller Unary(grpc::Status (v1::JobService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Response*)) {
  return [method](Gradusd& server, Context& context, const std::string& id) {
    Response response;
    return (server.jobs().*method)(&context, ForJob<Request>(id, "access"), &response);
  };
}

template <typename Request, typename Response>
Caller Stream(std::unique_ptr<grpc::ClientReader<Response>> (v1::JobService::Stub::*method)(
    grpc::ClientContext*, const Request&)) {
  return [method](Gradusd& server, Context& context, const std::string& id) {
    const auto stream = (server.jobs().*method)(&context, ForJob<Request>(id));
    Response response;
    if (!stream->Read(&response)) return stream->Finish();
    context.TryCancel();
    while (stream->Read(&response)) {
    }
    stream->Finish();
    return grpc::Status::OK;
  };
}

// Every method that names a job; those that end it come last.
const std::vector<std::pair<std::string, Caller>>& Methods() {
  using Stub = v1::JobService::Stub;
  static const std::vector<std::pair<std::string, Caller>> methods = {
      {"GetJob", Unary<v1::GetJobRequest, v1::GetJobResponse>(&Stub::GetJob)},
      {"ExplainJob", Unary<v1::ExplainJobRequest, v1::ExplainJobResponse>(&Stub::ExplainJob)},
      {"ListMetrics", Unary<v1::ListMetricsRequest, v1::ListMetricsResponse>(&Stub::ListMetrics)},
      {"WatchJob", Stream<v1::WatchJobRequest, v1::WatchJobResponse>(&Stub::WatchJob)},
      {"PauseJob", Unary<v1::PauseJobRequest, v1::PauseJobResponse>(&Stub::PauseJob)},
      {"ResumeJob", Unary<v1::ResumeJobRequest, v1::ResumeJobResponse>(&Stub::ResumeJob)},
      {"CancelJob", Unary<v1::CancelJobRequest, v1::CancelJobResponse>(&Stub::CancelJob)},
  };
  return methods;
}

TEST(Access, AnothersJobIsOutOfReachByEveryMethod) {
  Gradusd server({.stub = "steps=1000000,rate=50"});
  server.Start();
  const std::string id = Submit(server, "ann", "r1");
  for (const auto& [name, call] : Methods()) {
    Context context(server.TokenOf("bob"));
    EXPECT_EQ(call(server, context, id).error_code(), StatusCode::PERMISSION_DENIED) << name;
  }
  const auto publish = Unary<v1::PublishCheckpointRequest, v1::PublishCheckpointResponse>(
      &v1::JobService::Stub::PublishCheckpoint);
  Context publishing(server.TokenOf("bob"));
  EXPECT_EQ(publish(server, publishing, id).error_code(), StatusCode::PERMISSION_DENIED);
  Context own(server.TokenOf("ann"));
  EXPECT_EQ(publish(server, own, id).error_code(), StatusCode::NOT_FOUND) << "it keeps none";
  Context context(server.TokenOf("bob"));
  auto logs =
      Stream<v1::StreamLogsRequest, v1::StreamLogsResponse>(&v1::JobService::Stub::StreamLogs);
  EXPECT_EQ(logs(server, context, id).error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_NE(AwaitState(server, id, {v1::Job::RUNNING}).state(), v1::Job::CANCELLED);
}

TEST(Access, OnesOwnJobAndAnAdminsEveryJobAreReached) {
  Gradusd server({.stub = "steps=1000000,rate=50"});
  server.Start();
  for (const char* user : {"ann", "admin"}) {
    const std::string id = Submit(server, "ann", user);
    for (const auto& [name, call] : Methods()) {
      if (name == "ResumeJob") AwaitState(server, id, {v1::Job::PAUSED});
      Context context(server.TokenOf(user));
      const grpc::Status status = call(server, context, id);
      EXPECT_TRUE(status.ok()) << name << " by " << user << ": " << status.error_message();
    }
    EXPECT_EQ(AwaitState(server, id, {v1::Job::CANCELLED}).state(), v1::Job::CANCELLED);
  }
}

TEST(Access, AJobThatIsNotThereIsNotFoundByEveryMethod) {
  Gradusd server;
  server.Start();
  for (const char* user : {"ann", "admin"}) {
    for (const auto& [name, call] : Methods()) {
      Context context(server.TokenOf(user));
      EXPECT_EQ(call(server, context, "j000000000000").error_code(), StatusCode::NOT_FOUND)
          << name << " by " << user;
    }
  }
}

TEST(Access, ListsShowOnesOwnJobsAndAnAdminAll) {
  Gradusd server;
  server.Start();
  const std::string anns = Submit(server, "ann", "r1");
  const std::string bobs = Submit(server, "bob", "r1");
  EXPECT_NE(anns, bobs) << "request ids are each user's own";
  const auto listed = [&](const std::string& user) {
    Context context(server.TokenOf(user));
    v1::ListJobsResponse response;
    EXPECT_TRUE(server.jobs().ListJobs(&context, {}, &response).ok());
    std::vector<std::string> ids;
    for (const v1::Job& job : response.jobs()) ids.push_back(job.id());
    return ids;
  };
  EXPECT_THAT(listed("ann"), ::testing::ElementsAre(anns));
  EXPECT_THAT(listed("bob"), ::testing::ElementsAre(bobs));
  EXPECT_THAT(listed("admin"), ::testing::UnorderedElementsAre(anns, bobs));
}

TEST(Access, WhoAmISaysWhoseTokenItIs) {
  Gradusd server;
  server.Start();
  for (const std::string user : {"ann", "admin"}) {
    Context context(server.TokenOf(user));
    v1::WhoAmIResponse me;
    ASSERT_TRUE(server.admin().WhoAmI(&context, {}, &me).ok());
    EXPECT_EQ(me.user(), user);
    EXPECT_EQ(me.role(), user == "admin" ? "admin" : "user");
    EXPECT_GT(me.token_expires_at().seconds(), 0);
    EXPECT_FALSE(me.server_version().empty());
  }
}

TEST(Access, AFloodOfOneUsersWritesIsTurnedAwayAndAnothersIsNot) {
  Gradusd server;
  server.Start();
  grpc::Status refused;
  for (int i = 0; i < 200 && refused.ok(); ++i) {
    Context context(server.TokenOf("ann"));
    v1::CancelJobResponse response;
    const grpc::Status status = server.jobs().CancelJob(
        &context, ForJob<v1::CancelJobRequest>("j000000000000", "f"), &response);
    if (status.error_code() != StatusCode::NOT_FOUND) refused = status;
  }
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_details(), ::testing::HasSubstr("google.rpc.RetryInfo"));
  EXPECT_FALSE(Submit(server, "bob", "r1").empty());
}

}  // namespace
}  // namespace gradus::test
