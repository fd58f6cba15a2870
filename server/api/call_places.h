// SPDX-License-Identifier: Apache-2.0
// Places for calls that may hold a thread for long (streams, the end of an upload), so that nobody
// takes the threads that short calls need.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"

namespace gradus::api {

//   Threads  any.
class CallPlaces {
 public:
  // Gives its place back when it is destroyed.
  class Hold {
   public:
    Hold() = default;
    Hold(CallPlaces* places, std::string who) : places_(places), who_(std::move(who)) {}
    Hold(Hold&& other) noexcept;
    Hold& operator=(Hold&& other) noexcept;
    ~Hold();

   private:
    CallPlaces* places_ = nullptr;
    std::string who_;
  };

  // `all` places, of which one caller gets `each` at most.
  CallPlaces(int all, int each) : all_(all), each_(each) {}

  // RESOURCE_EXHAUSTED, with a time after which to try again. The hold must not outlive this.
  absl::StatusOr<Hold> Take(const std::string& who);

 private:
  const int all_;
  const int each_;
  base::Mutex mu_;
  int taken_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, int> by_caller_ ABSL_GUARDED_BY(mu_);  // those above 0
};

}  // namespace gradus::api
