// SPDX-License-Identifier: Apache-2.0
// Tells every open stream that the server stops, so that clients get UNAVAILABLE at once and come
// back with their cursor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "engine/base/mutex.h"

namespace gradus::api {

//   Threads  any.
class StreamHub {
 public:
  // A stream's place; leaves when destroyed. Must not be destroyed inside its own callback.
  class Membership {
   public:
    virtual ~Membership() = default;
  };

  StreamHub();
  ~StreamHub();

  // `on_close` is called once, at CloseAll (or now, when that was before); it must only hand the
  // work elsewhere.
  std::unique_ptr<Membership> Join(std::function<void()> on_close);
  void CloseAll();

  // Streams that are open now.
  int64_t size() const;

 private:
  class Members;
  const std::shared_ptr<Members> members_;
};

}  // namespace gradus::api
