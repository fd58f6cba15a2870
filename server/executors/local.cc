// SPDX-License-Identifier: Apache-2.0
#include "server/executors/local.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/failpoint.h"
#include "engine/base/mutex.h"
#include "engine/base/status.h"
#include "server/executors/processes.h"
#include "server/executors/spawn.h"

namespace gradus::executors {
namespace {

constexpr uint64_t kStopTag = UINT64_MAX;  // no fence is that high

std::string EndingInWords(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return absl::StrCat("exited with ", info.si_status);
  return absl::StrCat("was killed by signal ", info.si_status, " (", ::sigabbrev_np(info.si_status),
                      ")");
}

class LocalExecutor final : public Executor {
 public:
  LocalExecutor(const LocalOptions& options, base::Descriptor epoll, base::Descriptor stop)
      : options_(options),
        epoll_(std::move(epoll)),
        stop_(std::move(stop)),
        reaper_([this] { Reap(); }) {}

  ~LocalExecutor() override {
    const uint64_t one = 1;
    if (::write(stop_.get(), &one, sizeof(one)) == sizeof(one)) reaper_.join();
  }

  void OnExit(std::function<void(const RankExit&)> callback) override {
    base::MutexLock lock(callback_mu_);
    callback_ = std::move(callback);
  }

  absl::StatusOr<std::vector<std::string>> Start(std::span<const RankSpec> gang) override {
    std::vector<std::string> handles;
    for (size_t i = 0; i < gang.size(); ++i) {
      absl::StatusOr<std::string> handle = StartOne(gang[i]);
      if (!handle.ok()) {
        for (const RankSpec& started : gang.first(i)) Kill(started.key);
        return handle.status();
      }
      handles.push_back(*std::move(handle));
    }
    return handles;
  }

  absl::StatusOr<std::vector<FoundRank>> Find() override {
    std::vector<FoundRank> found;
    for (const MarkedProcess& process : FindMarked(options_.store_id)) {
      if (!process.leads_group) continue;
      found.push_back({process.key, absl::StrCat(process.pid, ":", process.start_time)});
    }
    return found;
  }

  absl::Status Adopt(const FoundRank& rank) override {
    for (const MarkedProcess& process : FindMarked(options_.store_id)) {
      if (!process.leads_group || process.key != rank.key) continue;
      return Watch(rank.key, process.pid, false);
    }
    // Its leader is gone: whatever it started goes, too.
    KillMarked(options_.store_id, rank.key);
    return absl::NotFoundError(
        absl::StrCat("attempt ", rank.key.attempt, " of job ", rank.key.job, " runs no more"));
  }

  void Kill(const RankKey& key) override {
    base::MutexLock lock(mu_);
    const auto found = processes_.find(key.fence);
    if (found == processes_.end()) return;
    // While it is in the table it has not been reaped here, so its number is its own; an adopted
    // one may have been reaped elsewhere.
    if (!found->second.child && HasEnded(found->second.handle)) return;
    ::kill(-found->second.pid, SIGKILL);
    ::syscall(SYS_pidfd_send_signal, found->second.handle.get(), SIGKILL, nullptr, 0);
  }

  bool is_local() const override { return true; }

 private:
  absl::StatusOr<std::string> StartOne(const RankSpec& spec) {
    FAILPOINT("executors.local.before_spawn");
    ASSIGN_OR_RETURN(const pid_t pid,
                     SpawnRank(options_.program, MarkOf(options_.store_id, spec.key), spec.config));
    FAILPOINT("executors.local.after_spawn");
    LimitMemory(pid, spec.memory_bytes);
    std::string handle = HandleOf(pid);
    const absl::Status watched = Watch(spec.key, pid, true);
    if (watched.ok()) return handle;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return watched;
  }

  struct Process {
    RankKey key;
    pid_t pid = 0;
    base::Descriptor handle;
    bool child = false;
  };

  absl::Status Watch(const RankKey& key, pid_t pid, bool child) {
    base::Descriptor handle = OpenProcess(pid);
    if (!handle.valid()) return base::ErrnoStatus(errno, absl::StrCat("process ", pid));
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<uint64_t>(key.fence);
    base::MutexLock lock(mu_);
    const int descriptor = handle.get();
    // A child that is adopted once more still has to be reaped.
    const auto known = processes_.find(key.fence);
    child = child || (known != processes_.end() && known->second.child);
    processes_.insert_or_assign(key.fence, Process{key, pid, std::move(handle), child});
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0) return absl::OkStatus();
    const int error = errno;
    processes_.erase(key.fence);
    return base::ErrnoStatus(error, absl::StrCat("process ", pid, ": watch"));
  }

  void Reap() {
    std::array<epoll_event, 16> events;
    while (true) {
      const int count =
          ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.u64 == kStopTag) return;
        Ended(static_cast<int64_t>(events[i].data.u64));
      }
    }
  }

  void Ended(int64_t fence) {
    FAILPOINT("executors.local.before_reap");
    RankExit exit;
    {
      base::MutexLock lock(mu_);
      const auto found = processes_.find(fence);
      if (found == processes_.end()) return;
      const Process& process = found->second;
      exit.key = process.key;
      exit.reason = "is gone";
      exit.known = process.child;
      if (process.child) {
        // Its group first, while the number still belongs to it.
        ::kill(-process.pid, SIGKILL);
        siginfo_t info = {};
        if (::waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED) == 0) {
          exit.reason = EndingInWords(info);
          exit.clean = info.si_code == CLD_EXITED && info.si_status == 0;
        }
      }
      processes_.erase(found);
    }
    KillMarked(options_.store_id, exit.key);
    base::MutexLock lock(callback_mu_);
    if (callback_) callback_(exit);
  }

  const LocalOptions options_;
  const base::Descriptor epoll_;
  const base::Descriptor stop_;
  base::Mutex mu_;
  std::map<int64_t, Process> processes_ ABSL_GUARDED_BY(mu_);  // by fence
  base::Mutex callback_mu_;
  std::function<void(const RankExit&)> callback_ ABSL_GUARDED_BY(callback_mu_);
  std::thread reaper_;  // last: it uses all of the above
};

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> MakeLocalExecutor(const LocalOptions& options) {
  base::Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  base::Descriptor stop(::eventfd(0, EFD_CLOEXEC));
  if (!epoll.valid() || !stop.valid()) return base::ErrnoStatus(errno, "local executor");
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = kStopTag;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, stop.get(), &event) != 0)
    return base::ErrnoStatus(errno, "local executor");
  return std::make_unique<LocalExecutor>(options, std::move(epoll), std::move(stop));
}

}  // namespace gradus::executors
