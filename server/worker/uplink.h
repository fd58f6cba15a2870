// SPDX-License-Identifier: Apache-2.0
// The rank's one stream: attached again and again until the last event is acknowledged.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "gradus/v1/worker_service.grpc.pb.h"
#include "server/worker/outbox.h"
#include "server/worker/server_link.h"

namespace gradus::worker {

// What comes down. Called on the uplink's thread: must return soon.
class UplinkHandler {
 public:
  virtual ~UplinkHandler() = default;
  // Once.
  virtual void OnAssignment(const v1::Assignment& assignment) = 0;
  // Perhaps more than once for one command.
  virtual void OnCommand(v1::Command::Action action) = 0;
  // Perhaps more than once for one meeting. Only to ranks that send heartbeats.
  virtual void OnMeeting(const v1::Meeting&) {}
  // The server wants no more of this attempt, or none has been there for too long. Nothing follows.
  virtual void OnFatal(const absl::Status& status) = 0;
};

struct UplinkOptions {
  std::string isa;
  // Time without a server after which the rank gives up.
  int64_t give_up_micros = int64_t{3600} * 1'000'000;
  // What each heartbeat says, asked on the uplink's threads; one goes up each second and after each
  // Outbox::Wake. Empty: none are sent.
  std::function<v1::Heartbeat()> heartbeat;
};

// Sends the outbox and hears the server. A broken stream is made again after a jittered wait of at
// most 10 s, to wherever the endpoint file says then.
//   Threads  two of its own while a stream is up.
class Uplink {
 public:
  // All must outlive it.
  Uplink(ServerLink& link, Outbox& outbox, UplinkHandler& handler, base::Clock& clock,
         base::RandomSource& random, UplinkOptions options);
  // Breaks the stream off; flush the outbox before.
  ~Uplink();
  Uplink(const Uplink&) = delete;
  Uplink& operator=(const Uplink&) = delete;

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::AttachRequest, v1::AttachResponse>;

  void Work();
  // One stream from Hello to its end; says how it ended.
  absl::Status RunStream();
  void Receive(Stream& stream);
  void Hear(const v1::AttachResponse& response, std::thread& sender, Stream& stream);
  void Send(Stream& stream);
  bool SendHeartbeat(Stream& stream);
  v1::AttachRequest HelloRequest() const;
  bool WorkDirIsGone() const;

  ServerLink& link_;
  Outbox& outbox_;
  UplinkHandler& handler_;
  base::Clock& clock_;
  base::RandomSource& random_;
  const UplinkOptions options_;
  // Of the uplink's thread.
  bool assigned_ = false;
  bool heard_ = false;  // this stream has brought something
  int64_t last_contact_micros_;
  std::thread thread_;
};

}  // namespace gradus::worker
