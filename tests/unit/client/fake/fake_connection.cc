// SPDX-License-Identifier: Apache-2.0
// Plain maps behind the seam.
#include "tests/unit/client/fake/fake_connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gradus/client.h"
#include "internal/sha256.h"

namespace gradus::testing {
namespace {

absl::Status NoSuch(absl::string_view what, absl::string_view name) {
  return absl::NotFoundError(absl::StrCat("there is no ", what, " \"", name, "\""));
}

// Messages that are there already, and how the stream ends after them.
template <typename Response>
class ListStream final : public ResponseStream<Response> {
 public:
  ListStream(std::vector<Response> messages, absl::Status end, int break_after)
      : messages_(std::move(messages)), end_(std::move(end)), left_(break_after) {}

  bool Read(Response* response) override {
    if (cancelled_ || left_ == 0 || next_ == messages_.size()) return false;
    --left_;
    *response = messages_[next_++];
    return true;
  }
  absl::Status Finish() override {
    if (cancelled_) return absl::CancelledError("cancelled");
    return left_ == 0 ? absl::UnavailableError("the connection broke") : end_;
  }
  void Cancel() override { cancelled_ = true; }

 private:
  const std::vector<Response> messages_;
  const absl::Status end_;
  int left_;
  size_t next_ = 0;
  bool cancelled_ = false;
};

// Appends to one file of an upload.
class FakeUpload final : public UploadStream {
 public:
  explicit FakeUpload(FakeConnection& server) : server_(server) {
    if (server_.upload_breaks.empty()) return;
    left_ = server_.upload_breaks.front();
    server_.upload_breaks.pop_front();
  }

  bool Write(const v1::AppendUploadRequest& request) override {
    if (!status_.ok()) return false;
    if (id_.empty()) Open(request);
    if (!status_.ok()) return false;
    const size_t taken = left_ < 0 ? request.data().size()
                                   : std::min(request.data().size(), static_cast<size_t>(left_));
    std::string& bytes = server_.uploaded[id_][file_];
    bytes.append(request.data(), 0, taken);
    server_.bytes_received += static_cast<int64_t>(taken);
    server_.uploads[id_].set_committed(static_cast<int>(file_), static_cast<int64_t>(bytes.size()));
    if (left_ >= 0) left_ -= static_cast<int64_t>(taken);
    if (left_ == 0) status_ = absl::UnavailableError("the connection broke");
    return status_.ok();
  }

  absl::StatusOr<v1::AppendUploadResponse> Finish() override {
    if (!status_.ok()) return status_;
    v1::AppendUploadResponse response;
    response.set_committed(server_.uploads[id_].committed(static_cast<int>(file_)));
    return response;
  }
  void Cancel() override { status_ = absl::CancelledError("cancelled"); }

 private:
  void Open(const v1::AppendUploadRequest& request) {
    if (server_.uploads.count(request.id()) == 0) {
      status_ = NoSuch("upload", request.id());
      return;
    }
    id_ = request.id();
    file_ = static_cast<size_t>(request.file());
    const auto committed = static_cast<int64_t>(server_.uploaded[id_][file_].size());
    if (request.offset() != committed)
      status_ = absl::OutOfRangeError(absl::StrCat("the offset must be ", committed));
  }

  FakeConnection& server_;
  std::string id_;
  size_t file_ = 0;
  int64_t left_ = -1;
  absl::Status status_;
};

}  // namespace

template <typename Work>
absl::Status FakeConnection::Answer(Work work) {
  ++calls;
  if (faults.empty()) return work();
  const absl::Status fault = std::move(faults.front());
  faults.pop_front();
  if (lost_replies) work().IgnoreError();
  return fault;
}

int FakeConnection::TakeBreak() {
  if (stream_breaks.empty()) return -1;
  const int after = stream_breaks.front();
  stream_breaks.pop_front();
  return after;
}

v1::Event& FakeConnection::AddEvent(const std::string& job) {
  std::vector<v1::Event>& list = events[job];
  v1::Event& event = list.emplace_back();
  event.set_seq(static_cast<int64_t>(list.size()));
  event.mutable_time()->set_seconds(1'700'000'000 + event.seq());
  return event;
}

void FakeConnection::AddState(const std::string& job, v1::Job::State to) {
  v1::Event& event = AddEvent(job);
  event.mutable_state_changed()->set_from(jobs[job].state());
  event.mutable_state_changed()->set_to(to);
  jobs[job].set_id(job);
  jobs[job].set_state(to);
}

absl::Status FakeConnection::SubmitJob(const v1::SubmitJobRequest& request,
                                       v1::SubmitJobResponse* response, const CallOptions&) {
  submit_ids.push_back(request.request_id());
  return Answer([&] {
    std::string& id = submitted_[request.request_id()];
    if (id.empty()) {
      id = absl::StrCat("j", absl::Dec(jobs.size() + 1, absl::kZeroPad12));
      jobs[id].set_name(request.spec().name());
      *jobs[id].mutable_spec() = request.spec();
      AddState(id, v1::Job::QUEUED);
    }
    *response->mutable_job() = jobs[id];
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::ValidateJob(const v1::ValidateJobRequest& request,
                                         v1::ValidateJobResponse* response, const CallOptions&) {
  return Answer([&] {
    *response = validation;
    *response->mutable_effective_spec() = request.spec();
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::GetJob(const v1::GetJobRequest& request, v1::GetJobResponse* response,
                                    const CallOptions&) {
  return Answer([&] {
    if (jobs.count(request.id()) == 0) return NoSuch("job", request.id());
    *response->mutable_job() = jobs[request.id()];
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::ListJobs(const v1::ListJobsRequest& request,
                                      v1::ListJobsResponse* response, const CallOptions&) {
  return Answer([&] {
    // The token is how many were given already.
    const size_t skip = request.page_token().empty() ? 0 : std::stoul(request.page_token());
    size_t at = 0;
    for (auto job = jobs.rbegin(); job != jobs.rend(); ++job, ++at) {
      if (at < skip) continue;
      if (response->jobs_size() == request.page_size()) {
        response->set_next_page_token(std::to_string(at));
        break;
      }
      *response->add_jobs() = job->second;
    }
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::Move(const std::string& id, v1::Job::State to, v1::Job* job) {
  return Answer([&] {
    if (jobs.count(id) == 0) return NoSuch("job", id);
    if (IsFinal(jobs[id].state()))
      return absl::FailedPreconditionError(absl::StrCat("job ", id, " has ended"));
    AddState(id, to);
    *job = jobs[id];
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::PauseJob(const v1::PauseJobRequest& request,
                                      v1::PauseJobResponse* response, const CallOptions&) {
  return Move(request.id(), v1::Job::PAUSED, response->mutable_job());
}
absl::Status FakeConnection::ResumeJob(const v1::ResumeJobRequest& request,
                                       v1::ResumeJobResponse* response, const CallOptions&) {
  return Move(request.id(), v1::Job::QUEUED, response->mutable_job());
}
absl::Status FakeConnection::CancelJob(const v1::CancelJobRequest& request,
                                       v1::CancelJobResponse* response, const CallOptions&) {
  return Move(request.id(), v1::Job::CANCELLED, response->mutable_job());
}

absl::Status FakeConnection::PublishCheckpoint(const v1::PublishCheckpointRequest& request,
                                               v1::PublishCheckpointResponse* response,
                                               const CallOptions&) {
  return Answer([&] {
    publication = request;
    response->set_model(request.model().empty() ? "net@1" : request.model() + "@1");
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::ExplainJob(const v1::ExplainJobRequest&,
                                        v1::ExplainJobResponse* response, const CallOptions&) {
  return Answer([&] {
    *response = explanation;
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::ListMetrics(const v1::ListMetricsRequest&,
                                         v1::ListMetricsResponse* response, const CallOptions&) {
  return Answer([&] {
    *response = metrics;
    return absl::OkStatus();
  });
}

std::unique_ptr<ResponseStream<v1::WatchJobResponse>> FakeConnection::WatchJob(
    const v1::WatchJobRequest& request) {
  watched_from.push_back(request.after_seq());
  std::vector<v1::WatchJobResponse> messages;
  for (const v1::Event& event : events[request.id()]) {
    if (event.seq() > request.after_seq()) *messages.emplace_back().add_events() = event;
  }
  const absl::Status end =
      jobs.count(request.id()) == 0 ? NoSuch("job", request.id()) : absl::OkStatus();
  return std::make_unique<ListStream<v1::WatchJobResponse>>(std::move(messages), end, TakeBreak());
}

std::unique_ptr<ResponseStream<v1::StreamLogsResponse>> FakeConnection::StreamLogs(
    const v1::StreamLogsRequest& request) {
  std::vector<v1::StreamLogsResponse> messages;
  for (const v1::Event& event : events[request.id()]) {
    if (event.has_log_line()) *messages.emplace_back().add_lines() = event;
  }
  return std::make_unique<ListStream<v1::StreamLogsResponse>>(std::move(messages), absl::OkStatus(),
                                                              TakeBreak());
}

absl::Status FakeConnection::BeginUpload(const v1::BeginUploadRequest& request,
                                         v1::BeginUploadResponse* response, const CallOptions&) {
  return Answer([&] {
    const std::string id = absl::StrCat("u-", request.request_id());
    if (uploads.count(id) == 0 && spent_uploads.count(id) == 0) {
      v1::Upload& upload = uploads[id];
      upload.set_id(id);
      upload.set_dataset(request.dataset());
      *upload.mutable_files() = request.files();
      for (int i = 0; i < request.files_size(); ++i) upload.add_committed(0);
      uploaded[id].resize(static_cast<size_t>(request.files_size()));
    }
    if (spent_uploads.count(id) > 0) uploads.erase(id);
    v1::Upload& answer = *response->mutable_upload();
    if (uploads.count(id) > 0) {
      answer = uploads[id];
    } else {
      // The first answer again, though the upload is no more.
      answer.set_id(id);
      for (const v1::UploadFile& file : request.files()) answer.add_committed(file.size());
    }
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::GetUpload(const v1::GetUploadRequest& request,
                                       v1::GetUploadResponse* response, const CallOptions&) {
  return Answer([&] {
    if (uploads.count(request.id()) == 0) return NoSuch("upload", request.id());
    *response->mutable_upload() = uploads[request.id()];
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::FinishUpload(const v1::FinishUploadRequest& request,
                                          v1::FinishUploadResponse* response, const CallOptions&) {
  return Answer([&] {
    if (spent_models.count(request.id()) > 0) {
      response->set_model(spent_models[request.id()]);
      return absl::OkStatus();
    }
    if (spent_uploads.count(request.id()) > 0) {
      *response->mutable_dataset() = spent_uploads[request.id()];
      return absl::OkStatus();
    }
    if (uploads.count(request.id()) == 0) return NoSuch("upload", request.id());
    const v1::Upload& upload = uploads[request.id()];
    std::string digests;
    for (int i = 0; i < upload.files_size(); ++i) {
      const std::string digest = internal::Sha256Of(uploaded[request.id()][static_cast<size_t>(i)]);
      if (digest != upload.files(i).sha256()) return absl::InvalidArgumentError("wrong digest");
      digests += digest;
    }
    if (!upload.model().empty()) {
      const std::string ref = absl::StrCat(upload.model(), "@", ++pushed_versions);
      v1::Model& model = models[ref];
      model.set_name(upload.model());
      model.set_version(pushed_versions);
      model.set_digest(internal::Sha256Of(digests));
      response->set_model(ref);
      spent_models[request.id()] = ref;
      return absl::OkStatus();
    }
    v1::Dataset& dataset = datasets[upload.dataset()];
    dataset.set_name(upload.dataset());
    dataset.set_digest(internal::Sha256Of(digests));
    *response->mutable_dataset() = dataset;
    spent_uploads[request.id()] = dataset;
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::AbortUpload(const v1::AbortUploadRequest& request,
                                         v1::AbortUploadResponse*, const CallOptions&) {
  return Answer([&] {
    uploads.erase(request.id());
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::GetDataset(const v1::GetDatasetRequest& request,
                                        v1::GetDatasetResponse* response, const CallOptions&) {
  return Answer([&] {
    if (datasets.count(request.name()) == 0) return NoSuch("dataset", request.name());
    *response->mutable_dataset() = datasets[request.name()];
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::ListDatasets(const v1::ListDatasetsRequest&,
                                          v1::ListDatasetsResponse* response, const CallOptions&) {
  return Answer([&] {
    for (const auto& [name, dataset] : datasets) *response->add_datasets() = dataset;
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::RemoveDataset(const v1::RemoveDatasetRequest& request,
                                           v1::RemoveDatasetResponse*, const CallOptions&) {
  return Answer([&] {
    return datasets.erase(request.name()) > 0 ? absl::OkStatus()
                                              : NoSuch("dataset", request.name());
  });
}

std::unique_ptr<UploadStream> FakeConnection::AppendUpload() {
  return std::make_unique<FakeUpload>(*this);
}

absl::Status FakeConnection::GetModel(const v1::GetModelRequest& request,
                                      v1::GetModelResponse* response, const CallOptions&) {
  return Answer([&] {
    if (models.count(request.ref()) == 0) return NoSuch("model", request.ref());
    *response->mutable_model() = models[request.ref()];
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::ListModels(const v1::ListModelsRequest& request,
                                        v1::ListModelsResponse* response, const CallOptions&) {
  return Answer([&] {
    model_filters = request;
    for (const auto& [ref, model] : models) *response->add_models() = model;
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::PushModel(const v1::PushModelRequest& request,
                                       v1::PushModelResponse* response, const CallOptions&) {
  return Answer([&] {
    const std::string id = absl::StrCat("u-", request.request_id());
    v1::Upload& upload = uploads[id];
    if (upload.id().empty()) {
      upload.set_id(id);
      upload.set_model(request.name());
      *upload.add_files() = request.file();
      upload.add_committed(0);
      uploaded[id].resize(1);
      pushed_definitions.push_back(request.model());
    }
    *response->mutable_upload() = upload;
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::RemoveModel(const v1::RemoveModelRequest& request,
                                         v1::RemoveModelResponse*, const CallOptions&) {
  return Answer([&] {
    return models.erase(request.ref()) > 0 ? absl::OkStatus() : NoSuch("model", request.ref());
  });
}

absl::Status FakeConnection::SetAlias(const v1::SetAliasRequest& request,
                                      v1::SetAliasResponse* response, const CallOptions&) {
  return Answer([&] {
    alias_set = request;
    response->set_ref(request.ref());
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::RemoveAlias(const v1::RemoveAliasRequest& request,
                                         v1::RemoveAliasResponse*, const CallOptions&) {
  return Answer([&] {
    alias_removed = request;
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::UpdateModel(const v1::UpdateModelRequest& request,
                                         v1::UpdateModelResponse* response, const CallOptions&) {
  return Answer([&] {
    model_update = request;
    response->set_ref(request.ref());
    *response->mutable_tags() = request.add_tags();
    response->set_licence(request.licence());
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::SetRetention(const v1::SetRetentionRequest& request,
                                          v1::SetRetentionResponse*, const CallOptions&) {
  return Answer([&] {
    retention = request;
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::LogModel(const v1::LogModelRequest&, v1::LogModelResponse* response,
                                      const CallOptions&) {
  return Answer([&] {
    *response = model_log;
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::DiffModels(const v1::DiffModelsRequest&,
                                        v1::DiffModelsResponse* response, const CallOptions&) {
  return Answer([&] {
    *response = model_diff;
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::ModelMetadata(const inference::ModelMetadataRequest&,
                                           inference::ModelMetadataResponse* response,
                                           const CallOptions&) {
  return Answer([&] {
    *response = metadata;
    return absl::OkStatus();
  });
}

absl::Status FakeConnection::ModelInfer(const inference::ModelInferRequest& request,
                                        inference::ModelInferResponse* response,
                                        const CallOptions&) {
  return Answer([&] {
    inferred.push_back(request);
    response->set_model_name("m");
    response->set_model_version("3");
    for (int i = 0; i < metadata.outputs_size(); ++i) {
      auto& output = *response->add_outputs();
      output.set_name(metadata.outputs(i).name());
      output.set_datatype("FP32");
      if (!shapeless) *output.mutable_shape() = request.inputs(i).shape();
      response->add_raw_output_contents(request.raw_input_contents(i));
    }
    return absl::OkStatus();
  });
}

std::unique_ptr<ResponseStream<v1::FetchModelResponse>> FakeConnection::FetchModel(
    const v1::FetchModelRequest& request) {
  constexpr size_t kPiece = 1000;
  fetched_from.push_back(request.offset());
  fetched_as.push_back(request.format());
  std::vector<v1::FetchModelResponse> messages;
  if (models.count(request.ref()) == 0) {
    return std::make_unique<ListStream<v1::FetchModelResponse>>(messages,
                                                                NoSuch("model", request.ref()), -1);
  }
  v1::FetchModelHeader& header = *messages.emplace_back().mutable_header();
  *header.mutable_model() = models[request.ref()];
  header.set_size(static_cast<int64_t>(weights.size()));
  header.set_sha256(internal::Sha256Of(weights));
  for (auto at = static_cast<size_t>(request.offset()); at < weights.size(); at += kPiece) {
    messages.emplace_back().set_data(weights.substr(at, kPiece));
    if (corrupt_weights) (*messages.back().mutable_data())[0] ^= 1;
  }
  return std::make_unique<ListStream<v1::FetchModelResponse>>(std::move(messages), absl::OkStatus(),
                                                              TakeBreak());
}

absl::Status FakeConnection::WhoAmI(const v1::WhoAmIRequest&, v1::WhoAmIResponse* response,
                                    const CallOptions&) {
  return Answer([&] {
    *response = me;
    return absl::OkStatus();
  });
}

}  // namespace gradus::testing
