// SPDX-License-Identifier: Apache-2.0
// Reads GRADUS_FAILPOINTS and carries it out.
#include "engine/base/failpoint.h"

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/duration.h"

namespace gradus::base {
namespace {

enum class Deed { kNone, kKill, kError, kSleep };

struct Action {
  Deed deed = Deed::kNone;
  int code = static_cast<int>(absl::StatusCode::kUnavailable);
  int64_t sleep_micros = 0;
  uint64_t only_hit = 0;  // 0: every one
  std::atomic<uint64_t> hits{0};
};

[[noreturn]] void Refuse(const std::string& entry) {
  std::fprintf(stderr,
               "GRADUS_FAILPOINTS: \"%s\" is not NAME=kill|error[:CODE]|sleep:TIME[@N] of a name "
               "in failpoints.def\n",
               entry.c_str());
  ::_exit(2);
}

bool ParseDeed(const std::string& text, Action& action) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  const bool has_value = parts.size() == 2;
  if (parts[0] == "kill" && !has_value) {
    action.deed = Deed::kKill;
    return true;
  }
  if (parts[0] == "error") {
    action.deed = Deed::kError;
    return !has_value ||
           (absl::SimpleAtoi(parts[1], &action.code) && action.code > 0 && action.code <= 16);
  }
  if (parts[0] != "sleep" || !has_value) return false;
  const absl::StatusOr<int64_t> micros = ParseDuration(parts[1]);
  action.deed = Deed::kSleep;
  action.sleep_micros = micros.value_or(0);
  return micros.ok();
}

// One action a failpoint, as the environment says when the first of them is reached.
class Table {
 public:
  Table() : actions_(FailpointNames().size()) {
    const char* const text = std::getenv("GRADUS_FAILPOINTS");
    if (text == nullptr) return;
    for (const std::string& entry :
         std::vector<std::string>(absl::StrSplit(text, ';', absl::SkipWhitespace())))
      Add(entry);
  }

  Action& operator[](size_t index) { return actions_[index]; }

 private:
  void Add(const std::string& entry) {
    const std::vector<std::string> sides = absl::StrSplit(entry, absl::MaxSplits('=', 1));
    const std::vector<std::string> deed = absl::StrSplit(sides.back(), absl::MaxSplits('@', 1));
    for (size_t i = 0; sides.size() == 2 && i < actions_.size(); ++i) {
      if (FailpointNames()[i] != sides[0]) continue;
      const bool counted = deed.size() == 2;
      if (counted &&
          (!absl::SimpleAtoi(deed[1], &actions_[i].only_hit) || actions_[i].only_hit == 0))
        Refuse(entry);
      if (!ParseDeed(deed[0], actions_[i])) Refuse(entry);
      return;
    }
    Refuse(entry);
  }

  std::vector<Action> actions_;
};

}  // namespace

absl::Status HitFailpoint(size_t index) {
  static Table table;
  Action& action = table[index];
  if (action.deed == Deed::kNone) return absl::OkStatus();
  const uint64_t hit = action.hits.fetch_add(1) + 1;
  if (action.only_hit != 0 && hit != action.only_hit) return absl::OkStatus();
  if (action.deed == Deed::kKill) ::kill(::getpid(), SIGKILL);
  if (action.deed == Deed::kSleep)
    std::this_thread::sleep_for(std::chrono::microseconds(action.sleep_micros));
  if (action.deed != Deed::kError) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(action.code),
                      absl::StrCat("failpoint ", std::string(FailpointNames()[index])));
}

}  // namespace gradus::base
