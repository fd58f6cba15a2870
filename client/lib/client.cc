// SPDX-License-Identifier: Apache-2.0
// Retries, request ids and pages around a connection.
#include "gradus/client.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/status_macros.h"
#include "proto/support/text_fields.h"

namespace gradus {
namespace {

constexpr int kLargestPage = 1000;

// Makes one unary call until it is answered.
template <typename Request, typename Response>
absl::StatusOr<Response> Call(const Client& client,
                              absl::Status (Connection::*method)(const Request&, Response*,
                                                                 const CallOptions&),
                              const Request& request) {
  RETURN_IF_ERROR(support::CheckTextFields(request));
  Response response;
  const absl::Status status = Retry(client.options(), client.stop(), [&](absl::Time deadline) {
    response.Clear();
    return (client.connection().*method)(request, &response, {deadline, client.stop()});
  });
  if (!status.ok()) return status;
  return response;
}

// A call that changes the job `id`.
template <typename Request, typename Response>
absl::StatusOr<v1::Job> Steer(const Client& client, const std::string& id,
                              absl::Status (Connection::*method)(const Request&, Response*,
                                                                 const CallOptions&)) {
  Request request;
  request.set_id(id);
  request.set_request_id(NewRequestId());
  ASSIGN_OR_RETURN(Response response, Call(client, method, request));
  return std::move(*response.mutable_job());
}

// Follows the pages of a list until `most` entries are there.
template <typename Item, typename Request, typename Response, typename Items>
absl::StatusOr<std::vector<Item>> List(const Client& client, int most, Request request,
                                       absl::Status (Connection::*method)(const Request&, Response*,
                                                                          const CallOptions&),
                                       Items items) {
  std::vector<Item> all;
  while (static_cast<int>(all.size()) < most) {
    request.set_page_size(std::min(most - static_cast<int>(all.size()), kLargestPage));
    ASSIGN_OR_RETURN(Response response, Call(client, method, request));
    for (Item& item : items(response)) all.push_back(std::move(item));
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  if (static_cast<int>(all.size()) > most) all.resize(static_cast<size_t>(most));
  return all;
}

}  // namespace

absl::StatusOr<Client> Client::Connect(const Profile& profile, const RetryOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<Connection> connection, MakeConnection(profile));
  return Client(std::move(connection), options);
}

Client::Client(std::shared_ptr<Connection> connection, const RetryOptions& options)
    : connection_(std::move(connection)), options_(options) {
  if (options_.wait) return;
  options_.wait = [connection = connection_](absl::Duration duration, const std::stop_token& stop) {
    return connection->Wait(duration, stop);
  };
}

Client Client::WithStop(std::stop_token stop) const {
  Client copy = *this;
  copy.stop_ = std::move(stop);
  return copy;
}

absl::StatusOr<v1::Job> Client::SubmitJob(const v1::JobSpec& spec) const {
  v1::SubmitJobRequest request;
  *request.mutable_spec() = spec;
  request.set_request_id(NewRequestId());
  ASSIGN_OR_RETURN(v1::SubmitJobResponse response, Call(*this, &Connection::SubmitJob, request));
  return std::move(*response.mutable_job());
}

absl::StatusOr<v1::ValidateJobResponse> Client::ValidateJob(const v1::JobSpec& spec) const {
  v1::ValidateJobRequest request;
  *request.mutable_spec() = spec;
  return Call(*this, &Connection::ValidateJob, request);
}

absl::StatusOr<v1::Job> Client::GetJob(const std::string& id) const {
  v1::GetJobRequest request;
  request.set_id(id);
  ASSIGN_OR_RETURN(v1::GetJobResponse response, Call(*this, &Connection::GetJob, request));
  return std::move(*response.mutable_job());
}

absl::StatusOr<std::vector<v1::Job>> Client::ListJobs(
    int most, const std::vector<v1::Job::State>& states) const {
  v1::ListJobsRequest request;
  for (const v1::Job::State state : states) request.add_states(state);
  return List<v1::Job>(
      *this, most, request, &Connection::ListJobs,
      [](auto& r) -> auto& { return *r.mutable_jobs(); });
}

absl::StatusOr<v1::Job> Client::PauseJob(const std::string& id) const {
  return Steer(*this, id, &Connection::PauseJob);
}
absl::StatusOr<v1::Job> Client::ResumeJob(const std::string& id) const {
  return Steer(*this, id, &Connection::ResumeJob);
}
absl::StatusOr<v1::Job> Client::CancelJob(const std::string& id) const {
  return Steer(*this, id, &Connection::CancelJob);
}

absl::StatusOr<std::string> Client::PublishCheckpoint(const std::string& id, int64_t step,
                                                      const std::string& model) const {
  v1::PublishCheckpointRequest request;
  request.set_id(id);
  request.set_step(step);
  request.set_model(model);
  request.set_request_id(NewRequestId());
  ASSIGN_OR_RETURN(v1::PublishCheckpointResponse response,
                   Call(*this, &Connection::PublishCheckpoint, request));
  return std::move(*response.mutable_model());
}

absl::StatusOr<v1::ExplainJobResponse> Client::ExplainJob(const std::string& id) const {
  v1::ExplainJobRequest request;
  request.set_id(id);
  return Call(*this, &Connection::ExplainJob, request);
}

absl::StatusOr<v1::ListMetricsResponse> Client::ListMetrics(
    const std::string& id, const std::vector<std::string>& names) const {
  v1::ListMetricsRequest request;
  request.set_id(id);
  for (const std::string& name : names) request.add_names(name);
  return Call(*this, &Connection::ListMetrics, request);
}

absl::StatusOr<v1::Dataset> Client::GetDataset(const std::string& name) const {
  v1::GetDatasetRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(v1::GetDatasetResponse response, Call(*this, &Connection::GetDataset, request));
  return std::move(*response.mutable_dataset());
}

absl::StatusOr<std::vector<v1::Dataset>> Client::ListDatasets(int most) const {
  return List<v1::Dataset>(
      *this, most, v1::ListDatasetsRequest(), &Connection::ListDatasets,
      [](auto& r) -> auto& { return *r.mutable_datasets(); });
}

absl::Status Client::RemoveDataset(const std::string& name) const {
  v1::RemoveDatasetRequest request;
  request.set_name(name);
  request.set_request_id(NewRequestId());
  return Call(*this, &Connection::RemoveDataset, request).status();
}

absl::StatusOr<v1::Model> Client::GetModel(const std::string& ref) const {
  v1::GetModelRequest request;
  request.set_ref(ref);
  ASSIGN_OR_RETURN(v1::GetModelResponse response, Call(*this, &Connection::GetModel, request));
  return std::move(*response.mutable_model());
}

absl::StatusOr<std::vector<v1::Model>> Client::ListModels(int most, const std::string& name) const {
  v1::ListModelsRequest request;
  request.set_name(name);
  return ListModels(most, request);
}

absl::StatusOr<std::vector<v1::Model>> Client::ListModels(
    int most, const v1::ListModelsRequest& filters) const {
  return List<v1::Model>(
      *this, most, filters, &Connection::ListModels,
      [](auto& r) -> auto& { return *r.mutable_models(); });
}

absl::Status Client::RemoveModel(const std::string& ref) const {
  v1::RemoveModelRequest request;
  request.set_ref(ref);
  request.set_request_id(NewRequestId());
  return Call(*this, &Connection::RemoveModel, request).status();
}

absl::StatusOr<std::string> Client::SetAlias(const std::string& ref,
                                             const std::string& alias) const {
  v1::SetAliasRequest request;
  request.set_ref(ref);
  request.set_alias(alias);
  request.set_request_id(NewRequestId());
  ASSIGN_OR_RETURN(v1::SetAliasResponse response, Call(*this, &Connection::SetAlias, request));
  return std::move(*response.mutable_ref());
}

absl::Status Client::RemoveAlias(const std::string& ref) const {
  v1::RemoveAliasRequest request;
  request.set_ref(ref);
  request.set_request_id(NewRequestId());
  return Call(*this, &Connection::RemoveAlias, request).status();
}

absl::StatusOr<v1::UpdateModelResponse> Client::UpdateModel(
    const v1::UpdateModelRequest& changes) const {
  v1::UpdateModelRequest request = changes;
  request.set_request_id(NewRequestId());
  return Call(*this, &Connection::UpdateModel, request);
}

absl::Status Client::SetRetention(const std::string& name, int keep_last) const {
  v1::SetRetentionRequest request;
  request.set_name(name);
  request.set_keep_last(keep_last);
  request.set_request_id(NewRequestId());
  return Call(*this, &Connection::SetRetention, request).status();
}

absl::StatusOr<v1::LogModelResponse> Client::LogModel(const std::string& ref, int limit) const {
  v1::LogModelRequest request;
  request.set_ref(ref);
  request.set_limit(limit);
  return Call(*this, &Connection::LogModel, request);
}

absl::StatusOr<v1::DiffModelsResponse> Client::DiffModels(const std::string& first,
                                                          const std::string& second) const {
  v1::DiffModelsRequest request;
  request.set_ref(first);
  request.set_other(second);
  return Call(*this, &Connection::DiffModels, request);
}

absl::StatusOr<inference::ModelMetadataResponse> Client::ModelMetadata(
    const inference::ModelMetadataRequest& request) const {
  return Call(*this, &Connection::ModelMetadata, request);
}

absl::StatusOr<inference::ModelInferResponse> Client::ModelInfer(
    const inference::ModelInferRequest& request) const {
  return Call(*this, &Connection::ModelInfer, request);
}

absl::StatusOr<v1::WhoAmIResponse> Client::WhoAmI() const {
  return Call(*this, &Connection::WhoAmI, v1::WhoAmIRequest());
}

bool IsFinal(v1::Job::State state) {
  return state == v1::Job::SUCCEEDED || state == v1::Job::FAILED || state == v1::Job::CANCELLED ||
         state == v1::Job::TIMED_OUT;
}

std::string NewRequestId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&id, absl::Hex(random(), absl::kZeroPad8));
  return id;
}

}  // namespace gradus
