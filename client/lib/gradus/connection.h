// SPDX-License-Identifier: Apache-2.0
// The seam between the client library and the network: one call, one attempt. Tests put their own
// here.
#pragma once

#include <memory>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gradus/profile.h"
#include "gradus/v1/admin_service.pb.h"
#include "gradus/v1/dataset_service.pb.h"
#include "gradus/v1/job_service.pb.h"
#include "gradus/v1/model_service.pb.h"
#include "inference/grpc_predict_v2.pb.h"

namespace gradus {

// One attempt of a unary call: until when it may take, and who may end it earlier.
struct CallOptions {
  absl::Time deadline = absl::InfiniteFuture();
  // Asked to stop: the call ends with CANCELLED. Whether the server had done it by then is not
  // known.
  std::stop_token stop;
  // Where there is no connection, waits for one until the deadline instead of failing at once.
  bool wait_for_connection = false;
};

// What the server sends on one call. Read and Finish by one thread; Cancel by any, at any time.
template <typename Response>
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  // The next message, or false at the end: then Finish says why.
  virtual bool Read(Response* response) = 0;
  // Once, after Read returned false or Cancel.
  virtual absl::Status Finish() = 0;
  virtual void Cancel() = 0;
};

// A file's bytes on their way up. Write and Finish by one thread; Cancel by any, at any time.
class UploadStream {
 public:
  virtual ~UploadStream() = default;
  // False when the call is broken: then Finish says why.
  virtual bool Write(const v1::AppendUploadRequest& request) = 0;
  // Once: ends the upload and takes the answer.
  virtual absl::StatusOr<v1::AppendUploadResponse> Finish() = 0;
  virtual void Cancel() = 0;
};

// One method a call of the services; nothing is retried here.
//   Threads  all methods, from any thread.
//   Errors   UNAVAILABLE when the server cannot be reached or went away; DEADLINE_EXCEEDED when it
//            did not answer in time; CANCELLED after a stop; else the server's status with its
//            details as payloads of proto/support/status.h. Streams report theirs in Finish.
class Connection {
 public:
  virtual ~Connection() = default;

  virtual absl::Status SubmitJob(const v1::SubmitJobRequest&, v1::SubmitJobResponse*,
                                 const CallOptions&) = 0;
  virtual absl::Status ValidateJob(const v1::ValidateJobRequest&, v1::ValidateJobResponse*,
                                   const CallOptions&) = 0;
  virtual absl::Status GetJob(const v1::GetJobRequest&, v1::GetJobResponse*,
                              const CallOptions&) = 0;
  virtual absl::Status ListJobs(const v1::ListJobsRequest&, v1::ListJobsResponse*,
                                const CallOptions&) = 0;
  virtual absl::Status PauseJob(const v1::PauseJobRequest&, v1::PauseJobResponse*,
                                const CallOptions&) = 0;
  virtual absl::Status ResumeJob(const v1::ResumeJobRequest&, v1::ResumeJobResponse*,
                                 const CallOptions&) = 0;
  virtual absl::Status CancelJob(const v1::CancelJobRequest&, v1::CancelJobResponse*,
                                 const CallOptions&) = 0;
  virtual absl::Status PublishCheckpoint(const v1::PublishCheckpointRequest&,
                                         v1::PublishCheckpointResponse*, const CallOptions&) = 0;
  virtual absl::Status ExplainJob(const v1::ExplainJobRequest&, v1::ExplainJobResponse*,
                                  const CallOptions&) = 0;
  virtual absl::Status ListMetrics(const v1::ListMetricsRequest&, v1::ListMetricsResponse*,
                                   const CallOptions&) = 0;
  virtual std::unique_ptr<ResponseStream<v1::WatchJobResponse>> WatchJob(
      const v1::WatchJobRequest&) = 0;
  virtual std::unique_ptr<ResponseStream<v1::StreamLogsResponse>> StreamLogs(
      const v1::StreamLogsRequest&) = 0;

  virtual absl::Status BeginUpload(const v1::BeginUploadRequest&, v1::BeginUploadResponse*,
                                   const CallOptions&) = 0;
  virtual absl::Status GetUpload(const v1::GetUploadRequest&, v1::GetUploadResponse*,
                                 const CallOptions&) = 0;
  virtual absl::Status FinishUpload(const v1::FinishUploadRequest&, v1::FinishUploadResponse*,
                                    const CallOptions&) = 0;
  virtual absl::Status AbortUpload(const v1::AbortUploadRequest&, v1::AbortUploadResponse*,
                                   const CallOptions&) = 0;
  virtual absl::Status GetDataset(const v1::GetDatasetRequest&, v1::GetDatasetResponse*,
                                  const CallOptions&) = 0;
  virtual absl::Status ListDatasets(const v1::ListDatasetsRequest&, v1::ListDatasetsResponse*,
                                    const CallOptions&) = 0;
  virtual absl::Status RemoveDataset(const v1::RemoveDatasetRequest&, v1::RemoveDatasetResponse*,
                                     const CallOptions&) = 0;
  virtual std::unique_ptr<UploadStream> AppendUpload() = 0;

  virtual absl::Status GetModel(const v1::GetModelRequest&, v1::GetModelResponse*,
                                const CallOptions&) = 0;
  virtual absl::Status ListModels(const v1::ListModelsRequest&, v1::ListModelsResponse*,
                                  const CallOptions&) = 0;
  virtual absl::Status PushModel(const v1::PushModelRequest&, v1::PushModelResponse*,
                                 const CallOptions&) = 0;
  virtual absl::Status RemoveModel(const v1::RemoveModelRequest&, v1::RemoveModelResponse*,
                                   const CallOptions&) = 0;
  virtual absl::Status SetAlias(const v1::SetAliasRequest&, v1::SetAliasResponse*,
                                const CallOptions&) = 0;
  virtual absl::Status RemoveAlias(const v1::RemoveAliasRequest&, v1::RemoveAliasResponse*,
                                   const CallOptions&) = 0;
  virtual absl::Status UpdateModel(const v1::UpdateModelRequest&, v1::UpdateModelResponse*,
                                   const CallOptions&) = 0;
  virtual absl::Status SetRetention(const v1::SetRetentionRequest&, v1::SetRetentionResponse*,
                                    const CallOptions&) = 0;
  virtual absl::Status LogModel(const v1::LogModelRequest&, v1::LogModelResponse*,
                                const CallOptions&) = 0;
  virtual absl::Status DiffModels(const v1::DiffModelsRequest&, v1::DiffModelsResponse*,
                                  const CallOptions&) = 0;
  virtual std::unique_ptr<ResponseStream<v1::FetchModelResponse>> FetchModel(
      const v1::FetchModelRequest&) = 0;

  virtual absl::Status ModelMetadata(const inference::ModelMetadataRequest&,
                                     inference::ModelMetadataResponse*, const CallOptions&) = 0;
  virtual absl::Status ModelInfer(const inference::ModelInferRequest&,
                                  inference::ModelInferResponse*, const CallOptions&) = 0;

  virtual absl::Status WhoAmI(const v1::WhoAmIRequest&, v1::WhoAmIResponse*,
                              const CallOptions&) = 0;

  // The time between two attempts: waits so long, and where the connection is lost, makes it again
  // meanwhile if it can. False early when asked to stop.
  virtual bool Wait(absl::Duration duration, const std::stop_token& stop);
};

// Over TLS to the profile's server. Nothing is sent yet: an address where nobody listens shows at
// the first call.
//   Errors   INVALID_ARGUMENT with the field when a certificate or a key is none.
absl::StatusOr<std::shared_ptr<Connection>> MakeConnection(const Profile& profile);

}  // namespace gradus
