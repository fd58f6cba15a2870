// SPDX-License-Identifier: Apache-2.0
#include "tests/robustness/living_ranks.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/numbers.h"

namespace gradus::test {

std::map<std::string, pid_t> LivingRanks(const std::string& dir) {
  std::map<std::string, pid_t> ranks;
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(process.path().filename().string(), &pid)) continue;
    // A dead process that waits for its parent has no folder any more.
    const std::filesystem::path folder =
        std::filesystem::read_symlink(process.path() / "cwd", error);
    if (!error && folder.parent_path() == dir + "/attempts") ranks[folder.filename()] = pid;
  }
  return ranks;
}

}  // namespace gradus::test
