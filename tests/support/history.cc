// SPDX-License-Identifier: Apache-2.0
#include "tests/support/history.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"

namespace gradus::test_support {

void SubmitHistory::Sent(const std::string& user, const std::string& request_id) {
  base::MutexLock lock(mu_);
  answers_[{user, request_id}];
}

void SubmitHistory::Acknowledged(const std::string& user, const std::string& request_id,
                                 const std::string& job) {
  base::MutexLock lock(mu_);
  answers_[{user, request_id}].insert(job);
}

std::vector<std::string> SubmitHistory::Check(const std::set<std::string>& jobs) const {
  base::MutexLock lock(mu_);
  std::vector<std::string> broken;
  std::map<std::string, std::string> key_of;
  size_t unanswered = 0;
  for (const auto& [key, answers] : answers_) {
    const std::string name = absl::StrCat(key.first, "/", key.second);
    unanswered += answers.empty() ? 1 : 0;
    if (answers.size() > 1)
      broken.push_back(
          absl::StrCat(name, " was answered with ", answers.size(), " different jobs"));
    for (const std::string& job : answers) {
      if (!jobs.contains(job))
        broken.push_back(absl::StrCat("acknowledged job ", job, " of ", name, " is lost"));
      const auto [other, first] = key_of.emplace(job, name);
      if (!first)
        broken.push_back(absl::StrCat(job, " answered both ", name, " and ", other->second));
    }
  }
  size_t strangers = 0;
  for (const std::string& job : jobs) strangers += key_of.contains(job) ? 0 : 1;
  if (strangers > unanswered) {
    broken.push_back(absl::StrCat(strangers, " jobs were never acknowledged, ", unanswered,
                                  " keys never answered"));
  }
  return broken;
}

void StreamHistory::Opened(const std::string& watcher, int64_t after_seq) {
  base::MutexLock lock(mu_);
  watchers_[watcher].next = after_seq + 1;
}

void StreamHistory::Saw(const std::string& watcher, const v1::Event& event) {
  base::MutexLock lock(mu_);
  Watcher& state = watchers_[watcher];
  if (event.seq() != state.next) {
    broken_.push_back(
        absl::StrCat(watcher, " expected event ", state.next, " and saw ", event.seq()));
  }
  state.next = event.seq() + 1;
  state.reached = std::max(state.reached, event.seq());
  state.last_is_state = event.has_state_changed();
  const auto [known, first] = events_.emplace(event.seq(), event.SerializeAsString());
  if (first) return;
  v1::Event before;
  before.ParseFromString(known->second);
  if (!google::protobuf::util::MessageDifferencer::Equals(before, event)) {
    broken_.push_back(
        absl::StrCat("event ", event.seq(), " is not the same for ", watcher, " as for others"));
  }
}

std::vector<std::string> StreamHistory::Check(bool complete, int64_t last_seq) const {
  base::MutexLock lock(mu_);
  std::vector<std::string> broken = broken_;
  for (const auto& [name, state] : watchers_) {
    if (!complete) break;
    if (state.reached != last_seq)
      broken.push_back(absl::StrCat(name, " ended at ", state.reached, " of ", last_seq));
    if (!state.last_is_state)
      broken.push_back(absl::StrCat(name, " did not see the final state last"));
  }
  return broken;
}

}  // namespace gradus::test_support
