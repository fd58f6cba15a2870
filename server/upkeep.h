// SPDX-License-Identifier: Apache-2.0
// What is done once an hour: old versions of models, unneeded blobs, abandoned uploads, old tokens
// and request keys, the server's certificate.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"

namespace gradus::server {

// A named piece of work.
using Chore = std::pair<std::string, std::function<absl::Status()>>;

// Does all chores at once and then every `period_micros`, on a thread of its own. One that fails is
// logged and tried again.
//   Owns     the thread. The clock must outlive it.
class Upkeep {
 public:
  Upkeep(base::Clock& clock, int64_t period_micros, std::vector<Chore> chores);
  // Waits for the chore under way.
  ~Upkeep();

 private:
  void Run();

  base::Clock& clock_;
  const int64_t period_micros_;
  const std::vector<Chore> chores_;
  base::Mutex mu_;
  base::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace gradus::server
