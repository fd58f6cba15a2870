// SPDX-License-Identifier: Apache-2.0
// What a program can ask of a Gradus server.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/connection.h"
#include "gradus/profile.h"
#include "gradus/retry.h"

namespace gradus {

// A handle on one server; copies share the connection.
//   Threads  all methods, from any thread.
//   Errors   The server's status: INVALID_ARGUMENT names field, found and allowed;
//            NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, PERMISSION_DENIED, UNAUTHENTICATED as
//            in gRPC; UNAVAILABLE when the server could not be reached within the deadline,
//            CANCELLED after a stop.
// Calls that fail with UNAVAILABLE are made again until options.deadline; changes bear one
// request_id over all attempts, so that a retry after a lost reply gets the first answer and
// changes nothing twice.
class Client {
 public:
  // With the profile's server. An address where nobody listens shows at the first call.
  static absl::StatusOr<Client> Connect(const Profile& profile, const RetryOptions& options = {});
  // On a connection of the caller's.
  explicit Client(std::shared_ptr<Connection> connection, const RetryOptions& options = {});

  // The same server, with calls that end early with CANCELLED when `stop` is asked for. What a
  // change was doing then may be done or not.
  Client WithStop(std::stop_token stop) const;

  // Jobs. A spec is made by JobBuilder (job_builder.h) or by hand.
  absl::StatusOr<v1::Job> SubmitJob(const v1::JobSpec& spec) const;
  absl::StatusOr<v1::ValidateJobResponse> ValidateJob(const v1::JobSpec& spec) const;
  absl::StatusOr<v1::Job> GetJob(const std::string& id) const;
  // The newest `most`, of all states where `states` is empty.
  absl::StatusOr<std::vector<v1::Job>> ListJobs(
      int most, const std::vector<v1::Job::State>& states = {}) const;
  absl::StatusOr<v1::Job> PauseJob(const std::string& id) const;
  absl::StatusOr<v1::Job> ResumeJob(const std::string& id) const;
  absl::StatusOr<v1::Job> CancelJob(const std::string& id) const;
  // Registers the weights of one of a job's best checkpoints as the next version of `model` and
  // returns the reference ("fashion-a@2"). 0: of the best one; empty: the model that the job names.
  absl::StatusOr<std::string> PublishCheckpoint(const std::string& id, int64_t step = 0,
                                                const std::string& model = "") const;
  absl::StatusOr<v1::ExplainJobResponse> ExplainJob(const std::string& id) const;
  absl::StatusOr<v1::ListMetricsResponse> ListMetrics(
      const std::string& id, const std::vector<std::string>& names = {}) const;

  // Datasets; PushDataset is in data_push.h.
  absl::StatusOr<v1::Dataset> GetDataset(const std::string& name) const;
  absl::StatusOr<std::vector<v1::Dataset>> ListDatasets(int most) const;
  absl::Status RemoveDataset(const std::string& name) const;

  // Models; FetchModel is in model_fetch.h. References: name, name@3, name@alias, name@sha256:...
  absl::StatusOr<v1::Model> GetModel(const std::string& ref) const;
  // Versions, newest first; of all models where `name` is empty.
  absl::StatusOr<std::vector<v1::Model>> ListModels(int most, const std::string& name = "") const;
  // Those that all filters of the request fit; its page is set here.
  absl::StatusOr<std::vector<v1::Model>> ListModels(int most,
                                                    const v1::ListModelsRequest& filters) const;
  // `ref` must name one version.
  absl::Status RemoveModel(const std::string& ref) const;
  // From now on NAME@`alias` means the one version that `ref` names, which is returned ("net@3").
  absl::StatusOr<std::string> SetAlias(const std::string& ref, const std::string& alias) const;
  // `ref`: name@alias.
  absl::Status RemoveAlias(const std::string& ref) const;
  // Tags, card and licence of one version; the request's id is set here.
  absl::StatusOr<v1::UpdateModelResponse> UpdateModel(const v1::UpdateModelRequest& changes) const;
  // Keeps the newest `keep_last` versions of a name; 0: all.
  absl::Status SetRetention(const std::string& name, int keep_last) const;
  // The version and all that it was made from, newest first.
  absl::StatusOr<v1::LogModelResponse> LogModel(const std::string& ref, int limit = 1000) const;
  absl::StatusOr<v1::DiffModelsResponse> DiffModels(const std::string& first,
                                                    const std::string& second) const;

  // What a model takes and gives, and one request of it; Predict in predict.h takes any number of
  // rows. A name may be a whole reference.
  absl::StatusOr<inference::ModelMetadataResponse> ModelMetadata(
      const inference::ModelMetadataRequest& request) const;
  absl::StatusOr<inference::ModelInferResponse> ModelInfer(
      const inference::ModelInferRequest& request) const;

  absl::StatusOr<v1::WhoAmIResponse> WhoAmI() const;

  // For what stands on this class: watch.h, data_push.h, model_fetch.h.
  Connection& connection() const { return *connection_; }
  const RetryOptions& options() const { return options_; }
  const std::stop_token& stop() const { return stop_; }

 private:
  std::shared_ptr<Connection> connection_;
  RetryOptions options_;
  std::stop_token stop_;
};

// True for the states that a job never leaves.
bool IsFinal(v1::Job::State state);

// A request_id that nobody else has: 32 random hexadecimal digits.
std::string NewRequestId();

}  // namespace gradus
