// SPDX-License-Identifier: Apache-2.0
#include "tests/robustness/job_rules.h"

#include "absl/strings/str_cat.h"

namespace gradus::test {

std::vector<std::string> CheckSteps(const std::vector<v1::Event>& events, int64_t steps) {
  std::vector<std::string> broken;
  int32_t attempt = 0;
  int64_t last = 0;
  int64_t saved = 0;
  for (const v1::Event& event : events) {
    if (event.has_checkpoint_saved()) saved = event.checkpoint_saved().step();
    if (!event.has_progress()) continue;
    const int64_t expected = (event.attempt() == attempt ? last : saved) + 1;
    if (event.progress().step() != expected) {
      broken.push_back(absl::StrCat("event ", event.seq(), " of attempt ", event.attempt(),
                                    " tells of step ", event.progress().step(), " instead of ",
                                    expected));
    }
    attempt = event.attempt();
    last = event.progress().step();
  }
  if (last != steps) broken.push_back(absl::StrCat("the steps end at ", last, " of ", steps));
  return broken;
}

std::vector<std::string> CheckGoesOn(const std::vector<v1::Event>& events) {
  std::vector<std::string> broken;
  int32_t attempt = 0;
  int64_t saved = 0;
  for (const v1::Event& event : events) {
    if (event.has_checkpoint_saved()) saved = event.checkpoint_saved().step();
    if (!event.has_progress() || event.attempt() == attempt) continue;
    attempt = event.attempt();
    if (event.progress().step() <= saved) {
      broken.push_back(absl::StrCat("attempt ", attempt, " is at step ", event.progress().step(),
                                    " though step ", saved, " was saved"));
    }
  }
  return broken;
}

}  // namespace gradus::test
