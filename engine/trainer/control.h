// SPDX-License-Identifier: Apache-2.0
// How a run that is under way is asked to end.
#pragma once

#include <atomic>

namespace gradus::trainer {

// What is asked of a run; looked at between steps. A cancel outweighs a stop.
//   Threads  any.
class Control {
 public:
  enum class Request { kNone, kStop, kCancel };

  // Save a checkpoint and end.
  void RequestStop() {
    Request none = Request::kNone;
    request_.compare_exchange_strong(none, Request::kStop);
  }
  // End at once.
  void RequestCancel() { request_.store(Request::kCancel); }

  Request request() const { return request_.load(std::memory_order_relaxed); }

 private:
  std::atomic<Request> request_{Request::kNone};
};

}  // namespace gradus::trainer
