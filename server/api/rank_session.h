// SPDX-License-Identifier: Apache-2.0
// One rank's stream: hello, its events and heartbeats in, acknowledgements, commands and meetings
// out. Knows nothing of the transport.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/api/stream_hub.h"
#include "server/api/work_pool.h"
#include "server/jobs/jobs.h"

namespace gradus::api {

// Reads and writes one message at a time; a rank whose messages are not yet stored is not read
// from, so it is slowed, not buffered.
//   Owns     the attachment. Jobs, pool and hub must outlive it.
//   Threads  Start, Received, Sent and Cancel from any; the sink is called from the pool, by one
//   thread at a time.
class RankSession : public std::enable_shared_from_this<RankSession> {
 public:
  // The stream. After End it is called no more.
  class Sink {
   public:
    virtual ~Sink() = default;
    // Whether the stream's token is that of this attempt.
    virtual absl::Status Admit(const v1::Hello& hello) = 0;
    // Begins to read; Received must follow.
    virtual void Read() = 0;
    // Begins to send; Sent must follow.
    virtual void Send(const v1::AttachResponse& response) = 0;
    virtual void End(const absl::Status& status) = 0;
  };

  RankSession(jobs::Jobs& jobs, WorkPool& pool, StreamHub& hub, Sink* sink)
      : jobs_(jobs), hub_(hub), sink_(sink), strand_(pool) {}

  void Start();
  // A message, or nothing when the rank has closed its side.
  void Received(std::optional<v1::AttachRequest> request);
  void Sent(bool ok);
  void Cancel();

 private:
  absl::Status Handle(const v1::AttachRequest& request);
  absl::Status Attach(const v1::Hello& hello);
  void Note(const v1::AttachResponse& word);
  // Sends what is next, if nothing is under way.
  void Pump();
  void Stop(const absl::Status& status);
  void End(const absl::Status& status);

  jobs::Jobs& jobs_;
  StreamHub& hub_;
  Sink* const sink_;
  Strand strand_;

  // Below: touched on the strand alone.
  std::optional<executors::RankKey> key_;
  std::unique_ptr<jobs::Attachment> attachment_;
  std::unique_ptr<StreamHub::Membership> membership_;
  std::deque<v1::AttachResponse> first_;  // the assignment
  std::deque<v1::AttachResponse> words_;  // commands, and the newest meeting
  std::optional<int64_t> ack_;
  bool last_word_stored_ = false;
  bool sending_ = false;
  bool ended_ = false;
  std::optional<absl::Status>
      stop_;  // end with it as soon as everything has been sent, or at once when it is an error
};

}  // namespace gradus::api
