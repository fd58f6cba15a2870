// SPDX-License-Identifier: Apache-2.0
// gradusd, put together: every part is made here, in the order in which they need each other, and
// handed to those that use it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/settings.h"

namespace gradus::server {

// A running server.
//   Threads  one.
class Program {
 public:
  // Opens the folder and the store (migrating it), takes up the jobs of an earlier process,
  // listens, and then says where in DIR/endpoint. The error is one line for people.
  static absl::StatusOr<std::unique_ptr<Program>> Start(const Settings& settings);
  // Drain first, where jobs should save their state.
  virtual ~Program() = default;

  virtual std::string address() const = 0;

  // Lets running jobs save their state, for at most the settings' time; they go on at the next
  // start. Streams end with UNAVAILABLE, then nothing is answered any more.
  virtual void Drain() = 0;
};

}  // namespace gradus::server
