// SPDX-License-Identifier: Apache-2.0
// Notes that the ranks of a meeting leave for each other at the server.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/worker/server_link.h"

namespace gradus::worker {

// Asks again while the server is away, after 20 ms at first and 200 ms at last.
//   Threads  any; each call blocks until it is answered, `given_up` is set, or the link shuts down.
//   Errors   ABORTED when the meeting is over or was given up; those that would come again.
class Notes {
 public:
  // Of one meeting. Both must outlive it.
  Notes(ServerLink& link, int64_t generation, const std::atomic<bool>& given_up)
      : link_(link), generation_(generation), given_up_(given_up) {}

  absl::Status Put(const std::string& key, const std::string& value);
  // What is there of them by now.
  absl::StatusOr<std::map<std::string, std::string>> Get(const std::vector<std::string>& keys);

 private:
  absl::Status Ask(absl::FunctionRef<absl::Status(v1::WorkerService::StubInterface& stub,
                                                  grpc::ClientContext* context)>
                       call);

  ServerLink& link_;
  const int64_t generation_;
  const std::atomic<bool>& given_up_;
};

}  // namespace gradus::worker
