// SPDX-License-Identifier: Apache-2.0
// The protocol's server side in its shortest form, with the faults that tests ask for.
#include "tests/support/fake_worker_server.h"

#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"

namespace gradus::test_support {
namespace {

const grpc::Status kFenced(grpc::StatusCode::FAILED_PRECONDITION, "another attempt has taken over");
const grpc::Status kOver(grpc::StatusCode::ABORTED, "a newer meeting was called");
const grpc::Status kCut(grpc::StatusCode::UNAVAILABLE, "cut by the test");
constexpr auto kPatience = std::chrono::seconds(10);

}  // namespace

FakeWorkerServer::~FakeWorkerServer() { Stop(); }

void FakeWorkerServer::Start(std::shared_ptr<grpc::ServerCredentials> credentials) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(
      "127.0.0.1:0",
      credentials == nullptr ? grpc::InsecureServerCredentials() : std::move(credentials), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

void FakeWorkerServer::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

std::string FakeWorkerServer::endpoint() const { return absl::StrCat("127.0.0.1:", port_); }

void FakeWorkerServer::SetAssignment(const v1::Assignment& assignment) {
  base::MutexLock lock(mu_);
  assignment_ = assignment;
}

void FakeWorkerServer::AddBlob(const std::string& bytes) {
  base::MutexLock lock(mu_);
  blobs_[base::Sha256Hex(std::string_view(bytes))] = bytes;
}

void FakeWorkerServer::Command(v1::Command::Action action) {
  v1::AttachResponse response;
  response.mutable_command()->set_action(action);
  std::map<Stream*, int64_t> streams;
  {
    base::MutexLock lock(mu_);
    command_ = action;
    streams = streams_;
  }
  for (const auto& [stream, fence] : streams) Write(stream, response);
}

void FakeWorkerServer::AllowMember(int64_t fence) {
  base::MutexLock lock(mu_);
  members_.insert(fence);
}

v1::AttachResponse FakeWorkerServer::MeetingOf(int64_t fence) const {
  v1::AttachResponse response;
  const auto place = std::find(meeting_.begin(), meeting_.end(), fence);
  if (place == meeting_.end()) return response;
  v1::Meeting& meeting = *response.mutable_meeting();
  meeting.set_generation(generation_);
  meeting.set_rank(static_cast<int32_t>(place - meeting_.begin()));
  meeting.set_size(static_cast<int32_t>(meeting_.size()));
  meeting.set_secret(absl::StrCat("of meeting ", generation_));
  return response;
}

int64_t FakeWorkerServer::CallMeeting(const std::vector<int64_t>& fences) {
  std::map<Stream*, v1::AttachResponse> told;
  int64_t generation = 0;
  {
    base::MutexLock lock(mu_);
    generation = ++generation_;
    meeting_ = fences;
    notes_.clear();
    for (const auto& [stream, fence] : streams_) told[stream] = MeetingOf(fence);
  }
  for (const auto& [stream, response] : told) {
    if (response.has_meeting()) Write(stream, response);
  }
  return generation;
}

void FakeWorkerServer::FenceOff() {
  base::MutexLock lock(mu_);
  fenced_off_ = true;
}

void FakeWorkerServer::CutStreamsAfter(int batches, bool before_ack) {
  base::MutexLock lock(mu_);
  cut_streams_after_ = batches;
  cut_before_ack_ = before_ack;
}

void FakeWorkerServer::CutTransfersAfter(int messages) {
  base::MutexLock lock(mu_);
  cut_transfers_after_ = messages;
}

void FakeWorkerServer::SetChunkBytes(size_t bytes) {
  base::MutexLock lock(mu_);
  chunk_bytes_ = bytes;
}

std::vector<v1::WorkerEvent> FakeWorkerServer::events() const {
  base::MutexLock lock(mu_);
  return events_;
}

std::vector<v1::Hello> FakeWorkerServer::hellos() const {
  base::MutexLock lock(mu_);
  return hellos_;
}

std::vector<v1::Heartbeat> FakeWorkerServer::heartbeats(int64_t fence) const {
  base::MutexLock lock(mu_);
  const auto found = heartbeats_.find(fence);
  return found == heartbeats_.end() ? std::vector<v1::Heartbeat>() : found->second;
}

bool FakeWorkerServer::WaitForHeartbeats(int64_t fence, size_t count) {
  base::MutexLock lock(mu_);
  return changed_.WaitFor(
      mu_, std::chrono::duration_cast<std::chrono::microseconds>(kPatience),
      [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return heartbeats_[fence].size() >= count; });
}

bool FakeWorkerServer::WaitForHeartbeat(
    int64_t fence, const std::function<bool(const v1::Heartbeat&)>& condition) {
  base::MutexLock lock(mu_);
  return changed_.WaitFor(mu_, std::chrono::duration_cast<std::chrono::microseconds>(kPatience),
                          [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                            return std::ranges::any_of(heartbeats_[fence], condition);
                          });
}

bool FakeWorkerServer::HasBlob(const std::string& sha256) const {
  base::MutexLock lock(mu_);
  return blobs_.count(sha256) > 0;
}

std::string FakeWorkerServer::Blob(const std::string& sha256) const {
  base::MutexLock lock(mu_);
  const auto found = blobs_.find(sha256);
  return found == blobs_.end() ? "" : found->second;
}

bool FakeWorkerServer::WaitForEvents(
    const std::function<bool(const std::vector<v1::WorkerEvent>&)>& condition) {
  base::MutexLock lock(mu_);
  return changed_.WaitFor(mu_, std::chrono::duration_cast<std::chrono::microseconds>(kPatience),
                          [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return condition(events_); });
}

bool FakeWorkerServer::WaitForFinished(v1::RankFinished* finished) {
  return WaitForEvents([&](const std::vector<v1::WorkerEvent>& events) {
    if (events.empty() || !events.back().has_finished()) return false;
    *finished = events.back().finished();
    return true;
  });
}

std::string FakeWorkerServer::fault() const {
  base::MutexLock lock(mu_);
  return fault_;
}

void FakeWorkerServer::Fault(const std::string& text) {
  if (fault_.empty()) fault_ = text;
}

bool FakeWorkerServer::Allowed(int64_t fence) const {
  base::MutexLock lock(mu_);
  return !fenced_off_ && (fence == fence_ || members_.count(fence) > 0);
}

bool FakeWorkerServer::Write(Stream* stream, const v1::AttachResponse& response) {
  base::MutexLock lock(write_mu_);
  {
    base::MutexLock known(mu_);
    if (streams_.count(stream) == 0) return false;
  }
  return stream->Write(response);
}

grpc::Status FakeWorkerServer::Greet(const v1::Hello& hello, Stream* stream) {
  if (!Allowed(hello.fence())) return kFenced;
  v1::AttachResponse first;
  v1::AttachResponse command;
  v1::AttachResponse meeting;
  {
    base::MutexLock lock(mu_);
    hellos_.push_back(hello);
    streams_[stream] = hello.fence();
    if (hello.reattached()) {
      const size_t durable = hello.fence() == fence_ ? events_.size() : 0;
      first.mutable_ack()->set_worker_seq(static_cast<int64_t>(durable));
    } else {
      *first.mutable_assignment() = assignment_;
    }
    if (command_ != v1::Command::ACTION_UNSPECIFIED)
      command.mutable_command()->set_action(command_);
    meeting = MeetingOf(hello.fence());
  }
  Write(stream, first);
  if (meeting.has_meeting()) Write(stream, meeting);
  if (command.has_command()) Write(stream, command);
  return grpc::Status::OK;
}

grpc::Status FakeWorkerServer::Store(const v1::EventBatch& batch, Stream* stream, int* batches) {
  v1::AttachResponse ack;
  bool cut = false;
  {
    base::MutexLock lock(mu_);
    for (const v1::WorkerEvent& event : batch.events()) {
      const int64_t next = static_cast<int64_t>(events_.size()) + 1;
      if (event.worker_seq() > next)
        Fault(absl::StrCat("worker_seq ", event.worker_seq(), " after ", next - 1));
      if (event.worker_seq() != next) continue;
      if (!events_.empty() && events_.back().has_finished()) Fault("an event after the last one");
      events_.push_back(event);
    }
    changed_.SignalAll();
    cut = cut_streams_after_ > 0 && ++*batches >= cut_streams_after_;
    if (cut && cut_before_ack_) return kCut;
    ack.mutable_ack()->set_worker_seq(static_cast<int64_t>(events_.size()));
  }
  Write(stream, ack);
  return cut ? kCut : grpc::Status::OK;
}

grpc::Status FakeWorkerServer::Take(const v1::AttachRequest& request, int64_t fence, Stream* stream,
                                    int* batches) {
  if (!Allowed(fence)) return kFenced;
  if (!request.has_heartbeat()) {
    if (fence == fence_) return Store(request.events(), stream, batches);
    base::MutexLock lock(mu_);
    Fault("a member reports");
    return grpc::Status::OK;
  }
  base::MutexLock lock(mu_);
  heartbeats_[fence].push_back(request.heartbeat());
  changed_.SignalAll();
  return grpc::Status::OK;
}

grpc::Status FakeWorkerServer::Attach(grpc::ServerContext*, Stream* stream) {
  v1::AttachRequest request;
  if (!stream->Read(&request) || !request.has_hello())
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no hello");
  const int64_t fence = request.hello().fence();
  grpc::Status status = Greet(request.hello(), stream);
  int batches = 0;
  while (status.ok() && stream->Read(&request)) status = Take(request, fence, stream, &batches);
  base::MutexLock lock(write_mu_);
  base::MutexLock known(mu_);
  streams_.erase(stream);
  return status;
}

grpc::Status FakeWorkerServer::PutNote(grpc::ServerContext*, const v1::PutNoteRequest* request,
                                       v1::PutNoteResponse*) {
  if (!Allowed(request->fence())) return kFenced;
  base::MutexLock lock(mu_);
  if (request->generation() != generation_) return kOver;
  notes_[request->key()] = request->value();
  return grpc::Status::OK;
}

grpc::Status FakeWorkerServer::GetNotes(grpc::ServerContext*, const v1::GetNotesRequest* request,
                                        v1::GetNotesResponse* response) {
  if (!Allowed(request->fence())) return kFenced;
  base::MutexLock lock(mu_);
  if (request->generation() != generation_) return kOver;
  for (const std::string& key : request->keys()) {
    const auto note = notes_.find(key);
    if (note != notes_.end()) (*response->mutable_notes())[key] = note->second;
  }
  return grpc::Status::OK;
}

grpc::Status FakeWorkerServer::FetchBlob(grpc::ServerContext*, const v1::FetchBlobRequest* request,
                                         grpc::ServerWriter<v1::FetchBlobResponse>* writer) {
  if (!Allowed(request->fence())) return kFenced;
  std::string left;
  int chunks = 0;
  size_t chunk_bytes = 0;
  {
    base::MutexLock lock(mu_);
    const auto found = blobs_.find(request->sha256());
    if (found == blobs_.end()) return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such blob");
    left = found->second.substr(static_cast<size_t>(request->offset()));
    chunks = cut_transfers_after_;
    chunk_bytes = chunk_bytes_;
  }
  for (int sent = 0; !left.empty(); ++sent) {
    if (chunks > 0 && sent == chunks) return kCut;
    v1::FetchBlobResponse response;
    response.set_data(left.substr(0, chunk_bytes));
    left.erase(0, response.data().size());
    if (!writer->Write(response)) break;
  }
  return grpc::Status::OK;
}

grpc::Status FakeWorkerServer::UploadBlob(grpc::ServerContext*,
                                          grpc::ServerReader<v1::UploadBlobRequest>* reader,
                                          v1::UploadBlobResponse* response) {
  v1::UploadBlobRequest request;
  if (!reader->Read(&request) || !request.has_ref())
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no ref");
  if (!Allowed(request.fence())) return kFenced;
  const v1::BlobRef ref = request.ref();
  size_t at = static_cast<size_t>(request.offset());
  int messages = 0;
  do {
    base::MutexLock lock(mu_);
    if (blobs_.count(ref.sha256()) > 0) {
      response->set_committed(ref.size());
      return grpc::Status::OK;
    }
    std::string& stored = partial_[ref.sha256()];
    if (at > stored.size()) {
      Fault("an offset beyond what is stored");
      return grpc::Status(grpc::StatusCode::OUT_OF_RANGE, "beyond what is stored");
    }
    if (at + request.data().size() > stored.size())
      stored.append(request.data(), stored.size() - at);
    at += request.data().size();
    response->set_committed(static_cast<int64_t>(stored.size()));
    if (cut_transfers_after_ > 0 && ++messages > cut_transfers_after_) return kCut;
  } while (reader->Read(&request));
  base::MutexLock lock(mu_);
  std::string& stored = partial_[ref.sha256()];
  if (static_cast<int64_t>(stored.size()) < ref.size()) return grpc::Status::OK;
  if (base::Sha256Hex(std::string_view(stored)) != ref.sha256()) {
    Fault("an upload whose bytes are not its digest's");
    return grpc::Status(grpc::StatusCode::DATA_LOSS, "other bytes");
  }
  blobs_[ref.sha256()] = std::move(stored);
  return grpc::Status::OK;
}

}  // namespace gradus::test_support
