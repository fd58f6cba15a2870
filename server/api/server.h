// SPDX-License-Identifier: Apache-2.0
// The listening server: TLS, the gate, all services, the transport's limits.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/api/call_watch.h"
#include "server/api/gate.h"
#include "server/api/listen_address.h"

namespace gradus::api {

struct ServerOptions {
  ListenAddress listen;
  // PEM files; read again every minute, so that a renewed certificate needs no restart.
  std::string ca_path;
  std::string cert_path;
  std::string key_path;
  // Else a client may do without, and one that is shown must still be the authority's.
  bool require_client_certificate = false;
};

// Answers until it is shut down.
//   Owns     the transport. Services and the watch must outlive it.
//   Threads  any.
class Server {
 public:
  // Listens, and answers health, reflection and channelz beside `services`. The error says why it
  // cannot listen.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       std::shared_ptr<Gate> gate, CallWatch& watch,
                                                       const std::vector<grpc::Service*>& services);
  // Cancels what is still open.
  ~Server();

  // With the port that was chosen.
  const ListenAddress& address() const { return address_; }

  // Tells health probes that no new work is taken.
  void SetServing(bool serving);

  // Takes no new calls, waits for those under way, and cancels what is still there after
  // `grace_micros`.
  void Shutdown(int64_t grace_micros);

 private:
  Server(ListenAddress address, std::unique_ptr<grpc::Server> server)
      : address_(std::move(address)), server_(std::move(server)) {}

  const ListenAddress address_;
  const std::unique_ptr<grpc::Server> server_;
};

// Sends what the transport (its errors only) and protobuf say to our log, whose lines are JSON.
// Call it once, before anything else of these.
void SendLibrariesLogToOurs();

}  // namespace gradus::api
