// SPDX-License-Identifier: Apache-2.0
#include "server/executors/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace gradus::executors {
namespace {

// /proc files have no size: they are read to their end, up to a bound that no rank's environment
// reaches.
std::string ReadProc(pid_t pid, const char* name) {
  constexpr size_t kMost = 1 << 20;
  const std::string path = absl::StrCat("/proc/", pid, "/", name);
  const base::Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!fd.valid()) return text;
  std::array<char, 4096> piece;
  while (text.size() < kMost) {
    const ssize_t count = ::read(fd.get(), piece.data(), piece.size());
    if (count <= 0) break;
    text.append(piece.data(), static_cast<size_t>(count));
  }
  return text;
}

std::string_view VariableIn(std::string_view environment, std::string_view name) {
  while (!environment.empty()) {
    const size_t end = std::min(environment.find('\0'), environment.size());
    const std::string_view entry = environment.substr(0, end);
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return entry.substr(name.size() + 1);
    }
    environment.remove_prefix(std::min(end + 1, environment.size()));
  }
  return {};
}

struct Stat {
  pid_t group = 0;
  uint64_t start_time = 0;
};

// proc(5): the name in parentheses may hold anything; fields are counted behind it.
Stat StatOf(pid_t pid) {
  const std::string text = ReadProc(pid, "stat");
  const size_t behind_name = text.rfind(')');
  Stat stat;
  if (behind_name == std::string::npos) return stat;
  const std::vector<std::string> fields =
      absl::StrSplit(text.substr(behind_name + 1), ' ', absl::SkipEmpty());
  constexpr size_t kGroup = 2;       // field 5 of the file
  constexpr size_t kStartTime = 19;  // field 22
  if (fields.size() <= kStartTime) return stat;
  int64_t group = 0;
  if (absl::SimpleAtoi(fields[kGroup], &group)) stat.group = static_cast<pid_t>(group);
  if (!absl::SimpleAtoi(fields[kStartTime], &stat.start_time)) stat.start_time = 0;
  return stat;
}

std::vector<pid_t> AllPids() {
  std::vector<pid_t> pids;
  DIR* const proc = ::opendir("/proc");
  if (proc == nullptr) return pids;
  while (const dirent* entry = ::readdir(proc)) {
    int pid = 0;
    if (absl::SimpleAtoi(entry->d_name, &pid) && pid > 0) pids.push_back(pid);
  }
  ::closedir(proc);
  return pids;
}

}  // namespace

std::string MarkOf(const std::string& store_id, const RankKey& key) {
  return absl::StrCat(store_id, "/", key.job, "/", key.attempt, "/", key.fence);
}

std::optional<RankKey> ParseMark(std::string_view mark, const std::string& store_id) {
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(mark.data(), mark.size()), '/');
  RankKey key;
  if (parts.size() != 4 || parts[0] != store_id) return std::nullopt;
  key.job = parts[1];
  if (!absl::SimpleAtoi(parts[2], &key.attempt) || !absl::SimpleAtoi(parts[3], &key.fence))
    return std::nullopt;
  return key;
}

std::vector<MarkedProcess> FindMarked(const std::string& store_id) {
  std::vector<MarkedProcess> marked;
  for (const pid_t pid : AllPids()) {
    // A zombie's environment is empty, another user's cannot be read.
    const std::string environment = ReadProc(pid, "environ");
    const std::optional<RankKey> key = ParseMark(VariableIn(environment, kMark), store_id);
    if (!key.has_value()) continue;
    const Stat stat = StatOf(pid);
    marked.push_back({pid, stat.start_time, stat.group == pid, *key});
  }
  return marked;
}

void KillMarked(const std::string& store_id, const RankKey& key) {
  constexpr int kRounds = 20;  // what forks while it is being killed is found in the next round
  constexpr int kPatienceMillis = 500;
  for (int round = 0; round < kRounds; ++round) {
    bool any = false;
    for (const MarkedProcess& process : FindMarked(store_id)) {
      if (process.key != key) continue;
      const base::Descriptor handle = OpenProcess(process.pid);
      // The number may have been given to another process since it was found.
      if (!handle.valid() || StatOf(process.pid).start_time != process.start_time) continue;
      any = true;
      ::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
      pollfd ended = {handle.get(), POLLIN, 0};
      ::poll(&ended, 1, kPatienceMillis);
    }
    if (!any) return;
  }
}

std::string HandleOf(pid_t pid) { return absl::StrCat(pid, ":", StatOf(pid).start_time); }

base::Descriptor OpenProcess(pid_t pid) {
  return base::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool HasEnded(const base::Descriptor& process) {
  pollfd ended = {process.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) > 0;
}

}  // namespace gradus::executors
