// SPDX-License-Identifier: Apache-2.0
// The way to the server: channels to wherever it listens now, and calls that can all be broken off.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "engine/base/mutex.h"
#include "gradus/v1/config.pb.h"
#include "gradus/v1/worker_service.grpc.pb.h"

namespace gradus::worker {

// Makes a channel to HOST:PORT.
using ChannelFactory = std::function<std::shared_ptr<grpc::Channel>(const std::string& endpoint)>;

// TLS with the profile's authority and certificate; its token goes with each call.
ChannelFactory TlsChannels(const v1::Profile& profile);

// Whether the same call may succeed later: the server is away, busy or full. All else (an older
// fence, a token that is good no more) is final.
bool MayPass(const absl::Status& status);

// Shared by all that talk to the server.
//   Threads  any.
class ServerLink {
 public:
  ServerLink(const v1::WorkerConfig& config, ChannelFactory channels, base::Files& files,
             base::Clock& clock);

  // HOST:PORT, where the server listens as far as is known.
  std::string endpoint() const;
  // The stub for the next call.
  std::shared_ptr<v1::WorkerService::StubInterface> stub();
  // After a failed call: the endpoint is read again and a new channel made.
  void Renew();

  // Breaks off every call that is under way and makes later ones fail. For good.
  void Shutdown();
  bool is_shut_down();
  // Waits; false when Shutdown came first.
  bool Sleep(int64_t micros);

  int64_t fence() const { return config_.fence(); }
  const v1::WorkerConfig& config() const { return config_; }

 private:
  friend class Call;

  const v1::WorkerConfig config_;
  const ChannelFactory channels_;
  base::Files& files_;
  base::Clock& clock_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::shared_ptr<v1::WorkerService::StubInterface> stub_ ABSL_GUARDED_BY(mu_);
  std::set<grpc::ClientContext*> calls_ ABSL_GUARDED_BY(mu_);
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;
};

// A call's context while the call is under way; ServerLink::Shutdown cancels it.
class Call {
 public:
  explicit Call(ServerLink& link);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  grpc::ClientContext* context() { return &context_; }

 private:
  ServerLink& link_;
  grpc::ClientContext context_;
};

}  // namespace gradus::worker
