// SPDX-License-Identifier: Apache-2.0
// One thread reads and connects; while a stream is up a second one writes.
#include "server/worker/uplink.h"

#include <unistd.h>

#include <cerrno>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "proto/support/status_grpc.h"
#include "server/worker/backoff.h"

namespace gradus::worker {
namespace {

constexpr int64_t kHeartbeatMicros = 1'000'000;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

}  // namespace

Uplink::Uplink(ServerLink& link, Outbox& outbox, UplinkHandler& handler, base::Clock& clock,
               base::RandomSource& random, UplinkOptions options)
    : link_(link),
      outbox_(outbox),
      handler_(handler),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      last_contact_micros_(clock.MonotonicMicros()),
      thread_([this] { Work(); }) {}

Uplink::~Uplink() {
  link_.Shutdown();
  outbox_.Shutdown();
  thread_.join();
}

void Uplink::Work() {
  Backoff backoff(random_);
  while (!link_.is_shut_down()) {
    heard_ = false;
    absl::Status status = RunStream();
    if (heard_) {
      last_contact_micros_ = clock_.MonotonicMicros();
      backoff.Reset();
    }
    if (link_.is_shut_down()) return;
    if (MayPass(status) &&
        clock_.MonotonicMicros() - last_contact_micros_ > options_.give_up_micros) {
      status = absl::AbortedError("no server for too long");
    } else if (MayPass(status) && WorkDirIsGone()) {
      status = absl::AbortedError("the work folder is gone, and with it the server's data");
    } else if (MayPass(status)) {
      base::LogWarning("the stream to the server is broken", {{"status", status}});
      link_.Renew();
      if (!link_.Sleep(backoff.NextMicros())) return;
      continue;
    }
    base::LogError("the server wants no more of this attempt", {{"status", status}});
    outbox_.Shutdown();
    handler_.OnFatal(status);
    return;
  }
}

bool Uplink::WorkDirIsGone() const {
  return ::access(link_.config().work_dir().c_str(), F_OK) != 0 && errno == ENOENT;
}

v1::AttachRequest Uplink::HelloRequest() const {
  v1::AttachRequest request;
  v1::Hello* hello = request.mutable_hello();
  hello->set_job_id(link_.config().job_id());
  hello->set_attempt(link_.config().attempt());
  hello->set_fence(link_.config().fence());
  hello->set_pid(::getpid());
  hello->set_isa(options_.isa);
  hello->set_reattached(assigned_);
  if (options_.heartbeat) hello->set_generation(options_.heartbeat().generation());
  return request;
}

absl::Status Uplink::RunStream() {
  const std::shared_ptr<v1::WorkerService::StubInterface> stub = link_.stub();
  Call call(link_);
  const std::unique_ptr<Stream> stream = stub->Attach(call.context());
  if (stream->Write(HelloRequest())) Receive(*stream);
  const absl::Status status = support::FromGrpc(stream->Finish());
  return status.ok() ? absl::UnavailableError("the server ended the stream") : status;
}

void Uplink::Receive(Stream& stream) {
  std::thread sender;
  v1::AttachResponse response;
  while (stream.Read(&response)) Hear(response, sender, stream);
  outbox_.CloseStream();
  if (sender.joinable()) sender.join();
}

void Uplink::Hear(const v1::AttachResponse& response, std::thread& sender, Stream& stream) {
  heard_ = true;
  switch (response.kind_case()) {
    case v1::AttachResponse::kAssignment:
      if (std::exchange(assigned_, true)) break;
      handler_.OnAssignment(response.assignment());
      break;
    case v1::AttachResponse::kAck:
      outbox_.Ack(response.ack().worker_seq());
      break;
    case v1::AttachResponse::kCommand:
      handler_.OnCommand(response.command().action());
      break;
    case v1::AttachResponse::kMeeting:
      handler_.OnMeeting(response.meeting());
      break;
    case v1::AttachResponse::KIND_NOT_SET:
      break;
  }
  // The first message is the assignment, or what is durable already: only then is it known what to
  // send.
  if (sender.joinable() || response.has_command() || response.has_meeting()) return;
  outbox_.OpenStream(response.ack().worker_seq());
  sender = std::thread([this, &stream] { Send(stream); });
}

bool Uplink::SendHeartbeat(Stream& stream) {
  v1::AttachRequest request;
  *request.mutable_heartbeat() = options_.heartbeat();
  return stream.Write(request);
}

void Uplink::Send(Stream& stream) {
  const bool beats = static_cast<bool>(options_.heartbeat);
  int64_t due = beats ? 0 : kNever;
  while (true) {
    if (clock_.MonotonicMicros() >= due) {
      if (!SendHeartbeat(stream)) return;  // the reader sees the end, too
      due = clock_.MonotonicMicros() + kHeartbeatMicros;
    }
    std::optional<v1::EventBatch> batch = outbox_.NextBatch(clock_, due);
    if (!batch.has_value()) return;
    if (batch->events_size() == 0) {
      if (beats) due = 0;
      continue;
    }
    v1::AttachRequest request;
    *request.mutable_events() = *std::move(batch);
    if (!stream.Write(request)) return;
  }
}

}  // namespace gradus::worker
