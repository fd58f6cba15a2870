// SPDX-License-Identifier: Apache-2.0
// JobService: submit, look, steer in the synchronous API; watches and logs as callback reactors.
#pragma once

#include <functional>
#include <vector>

#include "gradus/v1/job_service.grpc.pb.h"
#include "server/api/follow_reactor.h"
#include "server/api/spec_checker.h"
#include "server/jobs/jobs.h"

namespace gradus::api {

// Fails when one of these datasets is no longer what it was; asked inside the transaction that
// stores a job.
using DatasetsUnchanged =
    std::function<absl::Status(store::ReadTx&, const std::vector<v1::Dataset>&)>;

// The synchronous methods, with the two streams taken over by the callback API.
using JobServiceBase = v1::JobService::WithCallbackMethod_WatchJob<
    v1::JobService::WithCallbackMethod_StreamLogs<v1::JobService::Service>>;

class JobService final : public JobServiceBase {
 public:
  JobService(const StreamParts& streams, jobs::Jobs& jobs, const SpecChecker& checker,
             DatasetsUnchanged unchanged)
      : frame_(*streams.frame),
        streams_(streams),
        jobs_(jobs),
        checker_(checker),
        unchanged_(std::move(unchanged)) {}

  grpc::Status SubmitJob(grpc::ServerContext*, const v1::SubmitJobRequest*,
                         v1::SubmitJobResponse*) override;
  grpc::Status ValidateJob(grpc::ServerContext*, const v1::ValidateJobRequest*,
                           v1::ValidateJobResponse*) override;
  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest*, v1::GetJobResponse*) override;
  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest*,
                        v1::ListJobsResponse*) override;
  grpc::Status PauseJob(grpc::ServerContext*, const v1::PauseJobRequest*,
                        v1::PauseJobResponse*) override;
  grpc::Status ResumeJob(grpc::ServerContext*, const v1::ResumeJobRequest*,
                         v1::ResumeJobResponse*) override;
  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest*,
                         v1::CancelJobResponse*) override;
  grpc::Status PublishCheckpoint(grpc::ServerContext*, const v1::PublishCheckpointRequest*,
                                 v1::PublishCheckpointResponse*) override;
  grpc::Status ExplainJob(grpc::ServerContext*, const v1::ExplainJobRequest*,
                          v1::ExplainJobResponse*) override;
  grpc::Status ListMetrics(grpc::ServerContext*, const v1::ListMetricsRequest*,
                           v1::ListMetricsResponse*) override;

  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(grpc::CallbackServerContext*,
                                                           const v1::WatchJobRequest*) override;
  grpc::ServerWriteReactor<v1::StreamLogsResponse>* StreamLogs(
      grpc::CallbackServerContext*, const v1::StreamLogsRequest*) override;

 private:
  absl::StatusOr<v1::Job> Submit(const std::string& user, const v1::SubmitJobRequest& request);

  const Frame& frame_;
  const StreamParts streams_;
  jobs::Jobs& jobs_;
  const SpecChecker& checker_;
  const DatasetsUnchanged unchanged_;
};

}  // namespace gradus::api
