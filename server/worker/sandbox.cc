// SPDX-License-Identifier: Apache-2.0
// Resource limits and a seccomp filter, written out as the few instructions that it takes.
#include "server/worker/sandbox.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <iterator>
#include <vector>

#include "engine/base/status.h"

namespace gradus::worker {
namespace {

#if defined(GRADUS_SANITIZED)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "name this architecture's AUDIT_ARCH"
#endif

// Input and output on open descriptors, memory, time, and an orderly end.
constexpr uint32_t kAllowed[] = {
    SYS_read,           SYS_write,         SYS_pread64, SYS_pwrite64,     SYS_lseek,
    SYS_fstat,          SYS_close,         SYS_mmap,    SYS_munmap,       SYS_mremap,
    SYS_mprotect,       SYS_madvise,       SYS_brk,     SYS_futex,        SYS_sched_yield,
    SYS_getrandom,      SYS_getpid,        SYS_gettid,  SYS_rt_sigaction, SYS_rt_sigreturn,
    SYS_rt_sigprocmask, SYS_clock_gettime, SYS_exit,    SYS_exit_group,   SYS_restart_syscall,
};

absl::Status Limit(__rlimit_resource resource, int64_t value, const char* what) {
  const rlimit limit{static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  if (setrlimit(resource, &limit) != 0) return base::ErrnoStatus(errno, what);
  return absl::OkStatus();
}

absl::Status SetLimits(const SandboxLimits& limits) {
  // A write beyond RLIMIT_FSIZE shall be an error that can be told, not a death.
  std::signal(SIGXFSZ, SIG_IGN);
  RETURN_IF_ERROR(Limit(RLIMIT_CORE, 0, "limit on cores"));
  RETURN_IF_ERROR(Limit(RLIMIT_CPU, limits.cpu_seconds, "limit on processor time"));
  RETURN_IF_ERROR(Limit(RLIMIT_FSIZE, limits.file_bytes, "limit on file sizes"));
  if (!kSanitized) RETURN_IF_ERROR(Limit(RLIMIT_AS, limits.memory_bytes, "limit on memory"));
  return absl::OkStatus();
}

// `flags`: of SECCOMP_SET_MODE_FILTER.
absl::Status FilterCalls(unsigned flags) {
  std::vector<sock_filter> program = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  // What aborts sends itself a signal; nobody else gets one. Of an argument, the low half comes
  // first.
  const auto self = static_cast<uint32_t>(getpid());
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 4));
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, self, 0, 1));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  for (const uint32_t call : kAllowed) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return base::ErrnoStatus(errno, "no_new_privs");
  if (kSanitized) return absl::OkStatus();
  const auto refused = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (refused == 0) return absl::OkStatus();
  // Where some thread cannot follow, its number comes back instead of an error.
  return base::ErrnoStatus(refused > 0 ? EACCES : errno, "seccomp");
}

}  // namespace

absl::Status EnterSandbox(const SandboxLimits& limits) {
  RETURN_IF_ERROR(SetLimits(limits));
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return base::ErrnoStatus(errno, "parent death signal");
  return FilterCalls(0);
}

absl::Status CloseSandbox() { return FilterCalls(SECCOMP_FILTER_FLAG_TSYNC); }

}  // namespace gradus::worker
