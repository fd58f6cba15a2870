// SPDX-License-Identifier: Apache-2.0
#include "tests/robustness/persistent_client.h"

#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"
#include "gradus/v1/dataset_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/support/idx_files.h"

namespace gradus::test {
namespace {

using std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::minutes(1);
constexpr int kUnsignedBytes = 0x08;
constexpr uint32_t kRows = 100;
constexpr uint32_t kWidth = 4;

// Nobody answered, or somebody who is busy. A connection that breaks under a call shows as UNKNOWN,
// too.
bool MayPass(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return true;
    default:
      return false;
  }
}

v1::UploadFile Describe(const std::string& column, const std::string& bytes) {
  v1::UploadFile file;
  file.set_name(absl::StrCat("tiny-", column));
  file.set_size(static_cast<int64_t>(bytes.size()));
  file.set_sha256(base::Sha256Hex(std::string_view(bytes)));
  file.set_format(v1::UploadFile::IDX);
  file.set_split("train");
  file.set_column(column);
  return file;
}

std::vector<std::string> TinyFiles() {
  std::string x, y;
  for (uint32_t row = 0; row < kRows; ++row) {
    x.append(kWidth, static_cast<char>(row));
    y.push_back(static_cast<char>(row % 2));
  }
  return {test_support::IdxFile(kUnsignedBytes, {kRows, kWidth}, x),
          test_support::IdxFile(kUnsignedBytes, {kRows}, y)};
}

// From where the server stands.
grpc::Status Append(v1::DatasetService::Stub& stub, Context& context, const v1::Upload& upload,
                    int file, const std::string& bytes) {
  v1::AppendUploadRequest request;
  request.set_id(upload.id());
  request.set_file(file);
  request.set_offset(upload.committed(file));
  request.set_data(bytes.substr(static_cast<size_t>(upload.committed(file))));
  v1::AppendUploadResponse response;
  const auto stream = stub.AppendUpload(&context, &response);
  if (stream->Write(request)) stream->WritesDone();
  return stream->Finish();
}

}  // namespace

void Nap() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

PersistentClient::PersistentClient(const Gradusd& server, const std::string& user,
                                   std::function<void()> on_failure)
    : server_(server),
      user_(user),
      token_(server.TokenOf(user)),
      on_failure_(std::move(on_failure)) {}

grpc::Status PersistentClient::Call(const Try& once) {
  const auto end = steady_clock::now() + kPatience;
  while (true) {
    if (channel_ == nullptr) channel_ = server_.Connect();
    Context context(token_);
    const grpc::Status status = once(channel_, context);
    if (!MayPass(status) || steady_clock::now() > end) return status;
    if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) channel_.reset();
    on_failure_();
  }
}

std::string PersistentClient::Submit(const std::string& request_id, const v1::JobSpec& spec,
                                     test_support::SubmitHistory& history) {
  v1::SubmitJobRequest request;
  request.set_request_id(request_id);
  *request.mutable_spec() = spec;
  history.Sent(user_, request_id);
  v1::SubmitJobResponse response;
  const grpc::Status status = Call(&v1::JobService::Stub::SubmitJob, request, &response);
  EXPECT_TRUE(status.ok()) << request_id << ": " << status.error_message();
  if (!status.ok()) return "";
  history.Acknowledged(user_, request_id, response.job().id());
  return response.job().id();
}

v1::Job PersistentClient::Get(const std::string& id) {
  v1::GetJobResponse response;
  const grpc::Status status =
      Call(&v1::JobService::Stub::GetJob, ForJob<v1::GetJobRequest>(id), &response);
  EXPECT_TRUE(status.ok()) << id << ": " << status.error_message();
  return response.job();
}

v1::Job PersistentClient::Await(const std::string& id,
                                const std::function<bool(const v1::Job&)>& condition) {
  const auto end = steady_clock::now() + kPatience;
  while (true) {
    v1::Job job = Get(id);
    if (job.id().empty() || condition(job) || steady_clock::now() > end) return job;
    Nap();
  }
}

v1::Job PersistentClient::AwaitState(const std::string& id, v1::Job::State state) {
  v1::Job job = Await(
      id, [state](const v1::Job& seen) { return seen.state() == state || seen.has_finished_at(); });
  EXPECT_EQ(job.state(), state) << job.name() << ": " << job.reason();
  return job;
}

std::vector<v1::Job> PersistentClient::List() {
  std::vector<v1::Job> jobs;
  v1::ListJobsRequest request;
  request.set_page_size(1000);
  do {
    v1::ListJobsResponse response;
    const grpc::Status status = Call(&v1::JobService::Stub::ListJobs, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    jobs.insert(jobs.end(), response.jobs().begin(), response.jobs().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return jobs;
}

std::vector<v1::Event> PersistentClient::Watch(const std::string& id,
                                               test_support::StreamHistory& history,
                                               const std::function<void()>& on_event) {
  std::vector<v1::Event> seen;
  const auto read_on = [&](const std::shared_ptr<grpc::Channel>& channel, Context& context) {
    const int64_t after = seen.empty() ? 0 : seen.back().seq();
    auto request = ForJob<v1::WatchJobRequest>(id);
    request.set_after_seq(after);
    history.Opened(user_, after);
    v1::JobService::Stub stub(channel);
    const auto stream = stub.WatchJob(&context, request);
    v1::WatchJobResponse response;
    while (stream->Read(&response)) {
      for (const v1::Event& event : response.events()) {
        history.Saw(user_, event);
        seen.push_back(event);
        on_event();
      }
    }
    return stream->Finish();
  };
  grpc::Status status;
  size_t before = 0;
  do {
    before = seen.size();
    status = Call(read_on);
  } while (MayPass(status) && seen.size() > before);
  EXPECT_TRUE(status.ok()) << id << ": " << status.error_message();
  return seen;
}

grpc::Status PersistentClient::PushTiny() {
  const std::vector<std::string> files = TinyFiles();
  v1::BeginUploadRequest begin;
  begin.set_dataset("tiny");
  begin.set_request_id("push-tiny");
  *begin.add_files() = Describe("x", files[0]);
  *begin.add_files() = Describe("y", files[1]);
  v1::BeginUploadResponse begun;
  grpc::Status status = Call(&v1::DatasetService::Stub::BeginUpload, begin, &begun);
  for (int file = 0; status.ok() && file < begin.files_size(); ++file) {
    v1::GetUploadRequest how_far;
    how_far.set_id(begun.upload().id());
    status = Call([&](const std::shared_ptr<grpc::Channel>& channel, Context& context) {
      v1::DatasetService::Stub stub(channel);
      v1::GetUploadResponse found;
      Context first(token_);
      const grpc::Status asked = stub.GetUpload(&first, how_far, &found);
      return asked.ok() ? Append(stub, context, found.upload(), file, files[file]) : asked;
    });
  }
  if (!status.ok()) return status;
  v1::FinishUploadRequest finish;
  finish.set_id(begun.upload().id());
  v1::FinishUploadResponse finished;
  return Call(&v1::DatasetService::Stub::FinishUpload, finish, &finished);
}

}  // namespace gradus::test
