// SPDX-License-Identifier: Apache-2.0
// Who may fold whose model: as with training, everybody reads models, and a job is its owner's.
#include "gmock/gmock.h"
#include "gradus/v1/model_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/server/gradusd.h"

namespace gradus::test {
namespace {

using grpc::StatusCode;

class FoldTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.Start();
    v1::JobSpec spec = TinyJob();
    v1::ModelSpec& model = *spec.mutable_model();
    model.add_layers()->mutable_batch_normalization();
    model.mutable_layers()->SwapElements(0, 1);
    spec.mutable_publish()->set_model("net");
    const std::string id = Submit(server_, "ann", "train", spec);
    ASSERT_EQ(AwaitState(server_, id, {v1::Job::SUCCEEDED, v1::Job::FAILED}).published(), "net@1");
  }

  static v1::JobSpec FoldOf(const std::string& ref) {
    v1::JobSpec spec;
    spec.set_kind(v1::JobSpec::FOLD);
    spec.mutable_fold()->set_model(ref);
    return spec;
  }
  grpc::Status SubmitWith(const std::string& token, const v1::JobSpec& spec) {
    Context context(token);
    v1::SubmitJobRequest request;
    request.set_request_id("refused");
    *request.mutable_spec() = spec;
    v1::SubmitJobResponse response;
    return server_.jobs().SubmitJob(&context, request, &response);
  }
  v1::Model Model(const std::string& ref) {
    Context context(server_.TokenOf("bob"));
    v1::GetModelRequest request;
    request.set_ref(ref);
    v1::GetModelResponse response;
    const grpc::Status status =
        v1::ModelService::NewStub(server_.Connect())->GetModel(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.model();
  }

  Gradusd server_{{.worker = "gradus-worker"}};
};

TEST_F(FoldTest, AnothersModelIsFoldedByAJobOfOnesOwn) {
  const std::string id = Submit(server_, "bob", "fold", FoldOf("net"));
  const v1::Job job = AwaitState(server_, id, {v1::Job::SUCCEEDED, v1::Job::FAILED});
  EXPECT_EQ(job.published(), "net@2") << job.reason();
  EXPECT_EQ(job.owner(), "bob");
  EXPECT_LE(job.metrics().at("largest_difference"), 1e-4);
  Context context(server_.TokenOf("ann"));
  v1::GetJobResponse response;
  EXPECT_EQ(server_.jobs().GetJob(&context, ForJob<v1::GetJobRequest>(id), &response).error_code(),
            StatusCode::PERMISSION_DENIED);
  const v1::Model folded = Model("net");
  EXPECT_EQ(folded.owner(), "bob");
  EXPECT_THAT(folded.parents(), ::testing::ElementsAre("net@1"));
  EXPECT_EQ(folded.spec().layers_size(), 1);
  EXPECT_EQ(Model("net@1").spec().layers_size(), 2);
  server_.Stop();
  EXPECT_THAT(server_.Verify(), ::testing::IsEmpty());
}

TEST_F(FoldTest, WithoutAValidTokenNothingIsFolded) {
  EXPECT_EQ(SubmitWith("nobody's", FoldOf("net")).error_code(), StatusCode::UNAUTHENTICATED);
}

TEST_F(FoldTest, AModelThatIsNotThereIsNotFound) {
  const grpc::Status status = SubmitWith(server_.TokenOf("bob"), FoldOf("nets"));
  EXPECT_EQ(status.error_code(), StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), ::testing::StartsWith("fold.model: there is no model"));
}

// A fold of what is folded finds nothing more, and says so before a worker starts.
TEST_F(FoldTest, OnceIsEnough) {
  const std::string id = Submit(server_, "ann", "fold", FoldOf("net@1"));
  AwaitState(server_, id, {v1::Job::SUCCEEDED, v1::Job::FAILED});
  const grpc::Status status = SubmitWith(server_.TokenOf("ann"), FoldOf("net@2"));
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), ::testing::HasSubstr("net@2 has nothing to fold"));
}

}  // namespace
}  // namespace gradus::test
