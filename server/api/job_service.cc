// SPDX-License-Identifier: Apache-2.0
#include "server/api/job_service.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/status.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"
#include "server/store/codec.h"
#include "server/store/request_keys.h"

namespace gradus::api {
namespace {

// That a reply names.
constexpr size_t kMostTensors = 10'000;
constexpr int kMostLayers = 1000;

// A response whose one field is the job.
template <typename Response>
absl::StatusOr<Response> WithJob(absl::StatusOr<v1::Job> job) {
  if (!job.ok()) return job.status();
  Response response;
  *response.mutable_job() = *std::move(job);
  return response;
}

jobs::Submission SubmissionOf(Checked checked) {
  jobs::Submission submission;
  submission.spec = std::move(checked.job.spec);
  submission.datasets = std::move(checked.datasets);
  submission.models = std::move(checked.models);
  submission.memory_bytes = static_cast<int64_t>(checked.job.memory_limit);
  if (checked.job.time_limit.has_value())
    submission.time_limit_micros = checked.job.time_limit->count();
  submission.total_epochs = checked.job.total_epochs;
  submission.steps_per_epoch = checked.job.steps_per_epoch;
  return submission;
}

// Layers with weights that train where `trains` holds for the stage, or does not.
google::protobuf::RepeatedPtrField<std::string> LayersThat(bool train,
                                                           const graph::StagePlan& stage,
                                                           const v1::ModelSummary& summary) {
  google::protobuf::RepeatedPtrField<std::string> names;
  for (int i = 0; i < summary.layers_size() && names.size() < kMostLayers; ++i) {
    if (summary.layers(i).params() > 0 && stage.trainable[static_cast<size_t>(i)] == train)
      *names.Add() = summary.layers(i).name();
  }
  return names;
}

google::protobuf::RepeatedPtrField<v1::StageSummary> StagesOf(
    const std::vector<graph::StagePlan>& stages, const v1::ModelSummary& summary) {
  google::protobuf::RepeatedPtrField<v1::StageSummary> told;
  for (const graph::StagePlan& stage : stages) {
    v1::StageSummary& one = *told.Add();
    one.set_epochs(stage.end_epoch - stage.first_epoch);
    *one.mutable_trainable_layers() = LayersThat(true, stage, summary);
    *one.mutable_frozen_layers() = LayersThat(false, stage, summary);
    one.set_trainable_params(stage.trainable_params);
    one.set_optimizer(optimizers::Word(*optimizers::Find(stage.optimizer)));
    one.set_learning_rate(optimizers::LearningRateOf(stage.optimizer));
  }
  return told;
}

}  // namespace

absl::StatusOr<v1::Job> JobService::Submit(const std::string& user,
                                           const v1::SubmitJobRequest& request) {
  RETURN_IF_ERROR(store::CheckRequestId(request.request_id()));
  const std::string fingerprint = store::Fingerprint(request.spec());
  // Before the check: a retry gets its answer even when the spec would be refused by now.
  ASSIGN_OR_RETURN(std::optional<v1::Job> earlier,
                   jobs_.FindSubmitted(user, request.request_id(), fingerprint));
  if (earlier.has_value()) return *std::move(earlier);
  ASSIGN_OR_RETURN(Checked checked, checker_.Check(request.spec()));
  jobs::Submission submission = SubmissionOf(std::move(checked));
  submission.user = user;
  submission.request_id = request.request_id();
  submission.fingerprint = fingerprint;
  submission.still_valid = [this, &submission](store::ReadTx& tx) {
    return unchanged_(tx, submission.datasets);
  };
  return jobs_.Submit(submission);
}

grpc::Status JobService::SubmitJob(grpc::ServerContext* context,
                                   const v1::SubmitJobRequest* request,
                                   v1::SubmitJobResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call& call) {
    return WithJob<v1::SubmitJobResponse>(Submit(call.principal.user, *request));
  });
}

grpc::Status JobService::ValidateJob(grpc::ServerContext* context,
                                     const v1::ValidateJobRequest* request,
                                     v1::ValidateJobResponse* response) {
  return frame_.Handle(
      context, *request, response, [&](const Call&) -> absl::StatusOr<v1::ValidateJobResponse> {
        ASSIGN_OR_RETURN(Checked checked, checker_.Check(request->spec()));
        v1::ValidateJobResponse valid;
        *valid.mutable_effective_spec() = std::move(checked.job.spec);
        *valid.mutable_summary() = std::move(checked.job.summary);
        valid.set_estimated_memory(static_cast<int64_t>(checked.job.memory_estimate));
        *valid.mutable_stages() = StagesOf(checked.job.stages, valid.summary());
        for (size_t i = 0; i < std::min(checked.starts.size(), kMostTensors); ++i)
          *valid.add_tensors() = std::move(checked.starts[i]);
        return valid;
      });
}

grpc::Status JobService::GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                                v1::GetJobResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call&) {
    return WithJob<v1::GetJobResponse>(jobs_.Get(request->id()));
  });
}

grpc::Status JobService::ListJobs(grpc::ServerContext* context, const v1::ListJobsRequest* request,
                                  v1::ListJobsResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call& call) {
    jobs::ListQuery query{.owner = call.ListOwner(),
                          .page_size = request->page_size(),
                          .page_token = request->page_token()};
    for (const int state : request->states())
      query.states.push_back(static_cast<v1::Job::State>(state));
    return jobs_.List(query);
  });
}

grpc::Status JobService::PauseJob(grpc::ServerContext* context, const v1::PauseJobRequest* request,
                                  v1::PauseJobResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call& call) {
    return WithJob<v1::PauseJobResponse>(
        jobs_.Pause(call.principal.user, request->id(), request->request_id()));
  });
}

grpc::Status JobService::ResumeJob(grpc::ServerContext* context,
                                   const v1::ResumeJobRequest* request,
                                   v1::ResumeJobResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call& call) {
    return WithJob<v1::ResumeJobResponse>(
        jobs_.Resume(call.principal.user, request->id(), request->request_id()));
  });
}

grpc::Status JobService::CancelJob(grpc::ServerContext* context,
                                   const v1::CancelJobRequest* request,
                                   v1::CancelJobResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call& call) {
    return WithJob<v1::CancelJobResponse>(
        jobs_.Cancel(call.principal.user, request->id(), request->request_id()));
  });
}

grpc::Status JobService::PublishCheckpoint(grpc::ServerContext* context,
                                           const v1::PublishCheckpointRequest* request,
                                           v1::PublishCheckpointResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call& call) {
    return jobs_.PublishCheckpoint(call.principal.user, *request);
  });
}

grpc::Status JobService::ExplainJob(grpc::ServerContext* context,
                                    const v1::ExplainJobRequest* request,
                                    v1::ExplainJobResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call&) { return jobs_.Explain(request->id()); });
}

grpc::Status JobService::ListMetrics(grpc::ServerContext* context,
                                     const v1::ListMetricsRequest* request,
                                     v1::ListMetricsResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call&) {
    return jobs_.Metrics(request->id(), {request->names().begin(), request->names().end()});
  });
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* JobService::WatchJob(
    grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) {
  const FollowQuery query{.job = request->id(), .after_seq = request->after_seq()};
  return new FollowReactor<v1::WatchJobRequest, v1::WatchJobResponse>(
      streams_, *context, *request, query,
      [](std::vector<v1::Event> events, v1::WatchJobResponse& response) {
        for (v1::Event& event : events) response.mutable_events()->Add(std::move(event));
      });
}

grpc::ServerWriteReactor<v1::StreamLogsResponse>* JobService::StreamLogs(
    grpc::CallbackServerContext* context, const v1::StreamLogsRequest* request) {
  const FollowQuery query{
      .job = request->id(), .kind = v1::Event::kLogLine, .wait = request->follow()};
  return new FollowReactor<v1::StreamLogsRequest, v1::StreamLogsResponse>(
      streams_, *context, *request, query,
      [](std::vector<v1::Event> events, v1::StreamLogsResponse& response) {
        for (v1::Event& event : events) response.mutable_lines()->Add(std::move(event));
      });
}

}  // namespace gradus::api
