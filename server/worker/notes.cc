// SPDX-License-Identifier: Apache-2.0
#include "server/worker/notes.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "engine/base/status.h"
#include "proto/support/status_grpc.h"

namespace gradus::worker {
namespace {

constexpr int64_t kFirstPauseMicros = 20'000;
constexpr int64_t kMostPauseMicros = 200'000;
// A server that stands still would keep a call until its connection is given up.
constexpr auto kPatience = std::chrono::seconds(5);

}  // namespace

absl::Status Notes::Ask(
    absl::FunctionRef<absl::Status(v1::WorkerService::StubInterface&, grpc::ClientContext*)> call) {
  for (int64_t pause = kFirstPauseMicros; !given_up_.load();
       pause = std::min(2 * pause, kMostPauseMicros)) {
    const std::shared_ptr<v1::WorkerService::StubInterface> stub = link_.stub();
    absl::Status status;
    {
      Call under_way(link_);
      under_way.context()->set_deadline(std::chrono::system_clock::now() + kPatience);
      status = call(*stub, under_way.context());
    }
    if (status.ok() || absl::IsAborted(status) || !MayPass(status)) return status;
    link_.Renew();
    if (!link_.Sleep(pause)) return absl::CancelledError("shutting down");
  }
  return absl::AbortedError("the meeting was given up");
}

absl::Status Notes::Put(const std::string& key, const std::string& value) {
  v1::PutNoteRequest request;
  request.set_fence(link_.fence());
  request.set_generation(generation_);
  request.set_key(key);
  request.set_value(value);
  return Ask([&](v1::WorkerService::StubInterface& stub, grpc::ClientContext* context) {
    v1::PutNoteResponse response;
    return support::FromGrpc(stub.PutNote(context, request, &response));
  });
}

absl::StatusOr<std::map<std::string, std::string>> Notes::Get(
    const std::vector<std::string>& keys) {
  v1::GetNotesRequest request;
  request.set_fence(link_.fence());
  request.set_generation(generation_);
  *request.mutable_keys() = {keys.begin(), keys.end()};
  v1::GetNotesResponse response;
  RETURN_IF_ERROR(Ask([&](v1::WorkerService::StubInterface& stub, grpc::ClientContext* context) {
    return support::FromGrpc(stub.GetNotes(context, request, &response));
  }));
  return std::map<std::string, std::string>(response.notes().begin(), response.notes().end());
}

}  // namespace gradus::worker
