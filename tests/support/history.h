// SPDX-License-Identifier: Apache-2.0
// What clients saw, written down as it happens, and the rules that it must obey afterwards
// (GUARANTEES.md, G1, G2, G12).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "gradus/v1/events.pb.h"

namespace gradus::test_support {

// Submissions: each key is sent at least once, and answered or not.
//   Threads  any.
class SubmitHistory {
 public:
  // Before a request leaves.
  void Sent(const std::string& user, const std::string& request_id);
  // An answer arrived.
  void Acknowledged(const std::string& user, const std::string& request_id, const std::string& job);

  // One sentence a broken rule. `jobs`: every job that the server has in the end. Rules: what was
  // acknowledged is there (G1); a key was always answered with the same job, and two keys never
  // with one (G2); there are no more jobs than keys, and without unanswered keys none that was not
  // acknowledged.
  std::vector<std::string> Check(const std::set<std::string>& jobs) const;

 private:
  using Key = std::pair<std::string, std::string>;
  mutable base::Mutex mu_;
  std::map<Key, std::set<std::string>> answers_ ABSL_GUARDED_BY(mu_);
};

// Streams of one job's events, by any number of watchers, each of which may break off and come
// back.
//   Threads  any.
class StreamHistory {
 public:
  // A watcher opens a stream (again).
  void Opened(const std::string& watcher, int64_t after_seq);
  // An event arrived on its current stream.
  void Saw(const std::string& watcher, const v1::Event& event);

  // Rules: on each stream numbers follow each other without gap or repetition from after_seq + 1
  // (ordered, unique, reliable); a watcher that comes back with its last number misses nothing
  // (resumable); one number is the same event for everyone. `complete`: every watcher must have
  // reached `last_seq` with a StateChanged as the last event.
  std::vector<std::string> Check(bool complete, int64_t last_seq) const;

 private:
  struct Watcher {
    int64_t next = 1;     // expected on the current stream
    int64_t reached = 0;  // highest number ever seen
    bool last_is_state = false;
  };
  mutable base::Mutex mu_;
  std::map<std::string, Watcher> watchers_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, std::string> events_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> broken_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::test_support
