// SPDX-License-Identifier: Apache-2.0
// The life of a job through the API, with a stub in the worker's place.
#include <thread>

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/server/gradusd.h"
#include "tests/support/history.h"

namespace gradus::test {
namespace {

using grpc::StatusCode;

std::vector<v1::Job::State> StatesOf(const std::vector<v1::Event>& events) {
  std::vector<v1::Job::State> states;
  for (const v1::Event& event : events) {
    if (event.has_state_changed()) states.push_back(event.state_changed().to());
  }
  return states;
}

TEST(JobService, AJobGoesFromSubmitToSucceeded) {
  Gradusd server;
  server.Start();
  const std::string id = Submit(server, "ann", "r1");
  grpc::Status status;
  const std::vector<v1::Event> events = Watch(server, "ann", id, 0, &status);
  EXPECT_TRUE(status.ok()) << status.error_message();
  for (size_t i = 0; i < events.size(); ++i)
    EXPECT_EQ(events[i].seq(), static_cast<int64_t>(i) + 1);
  EXPECT_THAT(StatesOf(events), ::testing::ElementsAre(v1::Job::QUEUED, v1::Job::STARTING,
                                                       v1::Job::RUNNING, v1::Job::SUCCEEDED));
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(events.back().has_state_changed());
  const v1::Job job = AwaitState(server, id, {v1::Job::SUCCEEDED});
  EXPECT_EQ(job.owner(), "ann");
  EXPECT_EQ(job.attempt(), 1);
  EXPECT_EQ(job.step(), 5);
  EXPECT_EQ(job.weights_sha256().size(), 64U);
  EXPECT_TRUE(job.has_queued_at() && job.has_started_at() && job.has_finished_at());
  EXPECT_TRUE(job.spec().fit().has_seed()) << "the effective spec has every default";
}

TEST(JobService, ARetryOfASubmissionGetsTheFirstAnswer) {
  Gradusd server;
  server.Start();
  const std::string first = Submit(server, "ann", "same");
  EXPECT_EQ(Submit(server, "ann", "same"), first);
  Context context(server.TokenOf("ann"));
  v1::SubmitJobRequest other;
  other.set_request_id("same");
  *other.mutable_spec() = TinyJob("another-name");
  v1::SubmitJobResponse response;
  EXPECT_EQ(server.jobs().SubmitJob(&context, other, &response).error_code(),
            StatusCode::ALREADY_EXISTS);
}

TEST(JobService, TwentyParallelRetriesMakeOneJob) {
  Gradusd server;
  server.Start();
  std::vector<std::string> ids(20);
  std::vector<std::thread> clients;
  for (std::string& id : ids) clients.emplace_back([&] { id = Submit(server, "ann", "same"); });
  for (std::thread& client : clients) client.join();
  for (const std::string& id : ids) EXPECT_EQ(id, ids.front());
  Context context(server.TokenOf("admin"));
  v1::ListJobsResponse response;
  ASSERT_TRUE(server.jobs().ListJobs(&context, {}, &response).ok());
  EXPECT_EQ(response.jobs_size(), 1);
}

TEST(JobService, ARefusedSpecSaysWhichFieldAndLeavesNothing) {
  Gradusd server;
  server.Start();
  v1::SubmitJobRequest request;
  request.set_request_id("r1");
  *request.mutable_spec() = TinyJob();
  request.mutable_spec()->mutable_model()->mutable_layers(0)->mutable_dense()->set_units(0);
  Context context(server.TokenOf("ann"));
  v1::SubmitJobResponse response;
  const grpc::Status status = server.jobs().SubmitJob(&context, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::BadRequest bad;
  ASSERT_GT(details.details_size(), 0);
  ASSERT_TRUE(details.details(0).UnpackTo(&bad));
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "model.layers[0].dense.units");
  Context list_context(server.TokenOf("admin"));
  v1::ListJobsResponse listed;
  ASSERT_TRUE(server.jobs().ListJobs(&list_context, {}, &listed).ok());
  EXPECT_EQ(listed.jobs_size(), 0);
  // The refusal did not use up the request_id.
  EXPECT_FALSE(Submit(server, "ann", "r1").empty());
}

TEST(JobService, ADatasetThatIsNotThereIsToldByItsField) {
  Gradusd server;
  server.Start();
  v1::ValidateJobRequest request;
  *request.mutable_spec() = TinyJob();
  request.mutable_spec()->mutable_data()->mutable_train()->set_dataset("nowhere");
  Context context(server.TokenOf("ann"));
  v1::ValidateJobResponse response;
  const grpc::Status status = server.jobs().ValidateJob(&context, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), ::testing::AllOf(::testing::HasSubstr("data.train.dataset"),
                                                       ::testing::HasSubstr("nowhere")));
}

TEST(JobService, ValidateFillsInDefaultsAndStoresNothing) {
  Gradusd server;
  server.Start();
  v1::ValidateJobRequest request;
  *request.mutable_spec() = TinyJob();
  Context context(server.TokenOf("ann"));
  v1::ValidateJobResponse response;
  ASSERT_TRUE(server.jobs().ValidateJob(&context, request, &response).ok());
  EXPECT_TRUE(response.effective_spec().optimizer().has_sgd());
  EXPECT_EQ(response.summary().total_params(), 4 * 2 + 2);
  EXPECT_GT(response.estimated_memory(), 0);
  Context list_context(server.TokenOf("admin"));
  v1::ListJobsResponse listed;
  ASSERT_TRUE(server.jobs().ListJobs(&list_context, {}, &listed).ok());
  EXPECT_EQ(listed.jobs_size(), 0);
}

TEST(JobService, ARunningJobIsPausedAndGoesOn) {
  Gradusd server({.stub = "steps=200,rate=100"});
  server.Start();
  const std::string id = Submit(server, "ann", "r1");
  AwaitState(server, id, {v1::Job::RUNNING});
  Context pause_context(server.TokenOf("ann"));
  v1::PauseJobResponse paused;
  ASSERT_TRUE(
      server.jobs().PauseJob(&pause_context, ForJob<v1::PauseJobRequest>(id, "p1"), &paused).ok());
  EXPECT_EQ(AwaitState(server, id, {v1::Job::PAUSED}).state(), v1::Job::PAUSED);
  Context resume_context(server.TokenOf("ann"));
  v1::ResumeJobResponse resumed;
  ASSERT_TRUE(server.jobs()
                  .ResumeJob(&resume_context, ForJob<v1::ResumeJobRequest>(id, "p2"), &resumed)
                  .ok());
  const v1::Job job = AwaitState(server, id, {v1::Job::SUCCEEDED, v1::Job::FAILED});
  EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.reason();
  EXPECT_EQ(job.attempt(), 2);
  EXPECT_EQ(job.step(), 200);
}

TEST(JobService, ARunningJobIsCancelledAndStaysSo) {
  Gradusd server({.stub = "steps=1000000,rate=50"});
  server.Start();
  const std::string id = Submit(server, "ann", "r1");
  AwaitState(server, id, {v1::Job::RUNNING});
  Context context(server.TokenOf("ann"));
  v1::CancelJobResponse cancelled;
  ASSERT_TRUE(
      server.jobs().CancelJob(&context, ForJob<v1::CancelJobRequest>(id, "c1"), &cancelled).ok());
  EXPECT_EQ(AwaitState(server, id, {v1::Job::CANCELLED}).state(), v1::Job::CANCELLED);
  Context again(server.TokenOf("ann"));
  EXPECT_EQ(server.jobs()
                .CancelJob(&again, ForJob<v1::CancelJobRequest>(id, "c2"), &cancelled)
                .error_code(),
            StatusCode::FAILED_PRECONDITION);
  Context retry(server.TokenOf("ann"));
  EXPECT_TRUE(
      server.jobs().CancelJob(&retry, ForJob<v1::CancelJobRequest>(id, "c1"), &cancelled).ok())
      << "a retry gets the first answer";
}

TEST(JobService, AWatcherComesBackAtAnySeqWithoutGapOrRepetition) {
  Gradusd server;
  server.Start();
  const std::string id = Submit(server, "ann", "r1");
  grpc::Status status;
  const std::vector<v1::Event> all = Watch(server, "ann", id, 0, &status);
  const auto last = static_cast<int64_t>(all.size());
  test_support::StreamHistory history;
  for (int64_t after = 0; after <= last; ++after) {
    const std::string watcher = std::to_string(after);
    history.Opened(watcher, after);
    const std::vector<v1::Event> events = Watch(server, "ann", id, after, &status);
    EXPECT_TRUE(status.ok());
    EXPECT_EQ(static_cast<int64_t>(events.size()), last - after);
    for (const v1::Event& event : events) history.Saw(watcher, event);
  }
  EXPECT_THAT(history.Check(false, last), ::testing::IsEmpty());
  Watch(server, "ann", id, last + 1, &status);
  EXPECT_EQ(status.error_code(), StatusCode::OUT_OF_RANGE);
}

TEST(JobService, RequestsWithoutARequestIdAreRefused) {
  Gradusd server;
  server.Start();
  Context context(server.TokenOf("ann"));
  v1::SubmitJobRequest request;
  *request.mutable_spec() = TinyJob();
  v1::SubmitJobResponse response;
  const grpc::Status status = server.jobs().SubmitJob(&context, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), ::testing::HasSubstr("request_id"));
}

TEST(JobService, AMessageBeyondAMebibyteIsRefusedAndTheServerAnswersOn) {
  Gradusd server;
  server.Start();
  Context context(server.TokenOf("ann"));
  v1::SubmitJobRequest request;
  request.set_request_id("big");
  request.mutable_spec()->set_name(std::string(2 << 20, 'x'));
  v1::SubmitJobResponse response;
  EXPECT_EQ(server.jobs().SubmitJob(&context, request, &response).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_FALSE(Submit(server, "ann", "r1").empty());
}

}  // namespace
}  // namespace gradus::test
