// SPDX-License-Identifier: Apache-2.0
// What servers on one PostgreSQL tell each other: that something has changed, never what it is now.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace gradus::store {

// Topics. A job: its log has grown, its state may be another one.
inline constexpr char kJobTopic[] = "job";
// Tokens were issued or ended.
inline constexpr char kTokensTopic[] = "tokens";
// A lease was let go.
inline constexpr char kLeaseTopic[] = "lease";

// The channel that all of them listen on.
inline constexpr char kChannel[] = "gradus";

// Called on the listening thread; they must not block for long.
struct AnnouncementCallbacks {
  // Another server's, after its commit. Those of one's own are left out.
  std::function<void(const std::string& topic, const std::string& object)> on_change;
  // At first, and whenever some may have been missed: all that depends on them is to be looked at
  // again.
  std::function<void()> on_missed;
};

// Listens until it is destroyed; a lost connection is made anew.
//   Owns     its connection and its thread.
class Announcements {
 public:
  // `url` as in postgres_url.h; `self`: whose announcements are left out.
  static std::unique_ptr<Announcements> Hear(const std::string& url, const std::string& self,
                                             AnnouncementCallbacks callbacks);
  virtual ~Announcements() = default;
};

}  // namespace gradus::store
