// SPDX-License-Identifier: Apache-2.0
// A small server in memory behind the client's seam, with faults on demand. It keeps what it is
// given and answers as the contract says; it trains nothing.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gradus/connection.h"

namespace gradus::testing {

class FakeConnection final : public Connection {
 public:
  // --- What tests set.
  // Unary calls: each takes the first entry off this list, if there is one, instead of an answer.
  // With `lost_replies` the call does its work first, and only its answer is lost.
  std::deque<absl::Status> faults;
  bool lost_replies = false;
  // Streams break with UNAVAILABLE after so many messages, as often as there are entries.
  std::deque<int> stream_breaks;
  // Bytes that an upload stores before its stream breaks, as often as there are entries.
  std::deque<int64_t> upload_breaks;

  std::map<std::string, v1::Job> jobs;
  std::map<std::string, std::vector<v1::Event>> events;
  std::map<std::string, v1::Dataset> datasets;
  std::map<std::string, v1::Model> models;  // by "name@version"
  std::string weights;                      // of all models
  bool corrupt_weights = false;
  v1::LogModelResponse model_log;
  v1::DiffModelsResponse model_diff;
  // The last ones.
  v1::ListModelsRequest model_filters;
  v1::SetAliasRequest alias_set;
  v1::RemoveAliasRequest alias_removed;
  v1::UpdateModelRequest model_update;
  v1::SetRetentionRequest retention;
  v1::ValidateJobResponse validation;
  v1::ExplainJobResponse explanation;
  v1::PublishCheckpointRequest publication;  // the last one
  v1::ListMetricsResponse metrics;
  // What it says of every model, which gives what it takes.
  inference::ModelMetadataResponse metadata;
  std::vector<inference::ModelInferRequest> inferred;
  bool shapeless = false;  // answers to these have no shape
  v1::WhoAmIResponse me;

  // --- What tests look at.
  int calls = 0;
  std::vector<std::string> submit_ids;                    // request_id of each SubmitJob
  std::vector<int64_t> watched_from;                      // after_seq of each WatchJob
  std::vector<int64_t> fetched_from;                      // offset of each FetchModel
  std::vector<v1::FetchModelRequest::Format> fetched_as;  // and its format
  std::map<std::string, v1::Upload> uploads;
  std::map<std::string, std::vector<std::string>> uploaded;  // bytes of each file
  // Finished: the id is known and answers as it did, the bytes are gone.
  std::map<std::string, v1::Dataset> spent_uploads;
  std::map<std::string, std::string> spent_models;  // likewise, with the versions they became
  std::vector<v1::ModelSpec> pushed_definitions;
  int pushed_versions = 0;
  int64_t bytes_received = 0;
  int waits = 0;

  // Adds an event with the next seq.
  v1::Event& AddEvent(const std::string& job);
  void AddState(const std::string& job, v1::Job::State to);

  absl::Status SubmitJob(const v1::SubmitJobRequest&, v1::SubmitJobResponse*,
                         const CallOptions&) override;
  absl::Status ValidateJob(const v1::ValidateJobRequest&, v1::ValidateJobResponse*,
                           const CallOptions&) override;
  absl::Status GetJob(const v1::GetJobRequest&, v1::GetJobResponse*, const CallOptions&) override;
  absl::Status ListJobs(const v1::ListJobsRequest&, v1::ListJobsResponse*,
                        const CallOptions&) override;
  absl::Status PauseJob(const v1::PauseJobRequest&, v1::PauseJobResponse*,
                        const CallOptions&) override;
  absl::Status ResumeJob(const v1::ResumeJobRequest&, v1::ResumeJobResponse*,
                         const CallOptions&) override;
  absl::Status CancelJob(const v1::CancelJobRequest&, v1::CancelJobResponse*,
                         const CallOptions&) override;
  absl::Status PublishCheckpoint(const v1::PublishCheckpointRequest&,
                                 v1::PublishCheckpointResponse*, const CallOptions&) override;
  absl::Status ExplainJob(const v1::ExplainJobRequest&, v1::ExplainJobResponse*,
                          const CallOptions&) override;
  absl::Status ListMetrics(const v1::ListMetricsRequest&, v1::ListMetricsResponse*,
                           const CallOptions&) override;
  std::unique_ptr<ResponseStream<v1::WatchJobResponse>> WatchJob(
      const v1::WatchJobRequest&) override;
  std::unique_ptr<ResponseStream<v1::StreamLogsResponse>> StreamLogs(
      const v1::StreamLogsRequest&) override;
  absl::Status BeginUpload(const v1::BeginUploadRequest&, v1::BeginUploadResponse*,
                           const CallOptions&) override;
  absl::Status GetUpload(const v1::GetUploadRequest&, v1::GetUploadResponse*,
                         const CallOptions&) override;
  absl::Status FinishUpload(const v1::FinishUploadRequest&, v1::FinishUploadResponse*,
                            const CallOptions&) override;
  absl::Status AbortUpload(const v1::AbortUploadRequest&, v1::AbortUploadResponse*,
                           const CallOptions&) override;
  absl::Status GetDataset(const v1::GetDatasetRequest&, v1::GetDatasetResponse*,
                          const CallOptions&) override;
  absl::Status ListDatasets(const v1::ListDatasetsRequest&, v1::ListDatasetsResponse*,
                            const CallOptions&) override;
  absl::Status RemoveDataset(const v1::RemoveDatasetRequest&, v1::RemoveDatasetResponse*,
                             const CallOptions&) override;
  std::unique_ptr<UploadStream> AppendUpload() override;
  absl::Status GetModel(const v1::GetModelRequest&, v1::GetModelResponse*,
                        const CallOptions&) override;
  absl::Status ListModels(const v1::ListModelsRequest&, v1::ListModelsResponse*,
                          const CallOptions&) override;
  absl::Status PushModel(const v1::PushModelRequest&, v1::PushModelResponse*,
                         const CallOptions&) override;
  absl::Status RemoveModel(const v1::RemoveModelRequest&, v1::RemoveModelResponse*,
                           const CallOptions&) override;
  absl::Status SetAlias(const v1::SetAliasRequest&, v1::SetAliasResponse*,
                        const CallOptions&) override;
  absl::Status RemoveAlias(const v1::RemoveAliasRequest&, v1::RemoveAliasResponse*,
                           const CallOptions&) override;
  absl::Status UpdateModel(const v1::UpdateModelRequest&, v1::UpdateModelResponse*,
                           const CallOptions&) override;
  absl::Status SetRetention(const v1::SetRetentionRequest&, v1::SetRetentionResponse*,
                            const CallOptions&) override;
  absl::Status LogModel(const v1::LogModelRequest&, v1::LogModelResponse*,
                        const CallOptions&) override;
  absl::Status DiffModels(const v1::DiffModelsRequest&, v1::DiffModelsResponse*,
                          const CallOptions&) override;
  std::unique_ptr<ResponseStream<v1::FetchModelResponse>> FetchModel(
      const v1::FetchModelRequest&) override;
  absl::Status ModelMetadata(const inference::ModelMetadataRequest&,
                             inference::ModelMetadataResponse*, const CallOptions&) override;
  absl::Status ModelInfer(const inference::ModelInferRequest&, inference::ModelInferResponse*,
                          const CallOptions&) override;
  absl::Status WhoAmI(const v1::WhoAmIRequest&, v1::WhoAmIResponse*, const CallOptions&) override;
  // At once.
  bool Wait(absl::Duration, const std::stop_token& stop) override {
    ++waits;
    return !stop.stop_requested();
  }

 private:
  // Runs `work` with the faults that tests ask for around it.
  template <typename Work>
  absl::Status Answer(Work work);
  absl::Status Move(const std::string& id, v1::Job::State to, v1::Job* job);
  int TakeBreak();

  std::map<std::string, std::string> submitted_;  // request_id -> job
};

}  // namespace gradus::testing
