// SPDX-License-Identifier: Apache-2.0
// Affinity from the scheduler, memory from /proc and control groups.
#include "engine/base/cpu.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"

namespace gradus::base {
namespace {

constexpr int kMaxCpus = 4096;

// An affinity mask for kMaxCpus cores: cpu_set_t ends at 1024.
class CpuMask {
 public:
  CpuMask() : set_(CPU_ALLOC(kMaxCpus)) { CPU_ZERO_S(bytes(), set_); }
  ~CpuMask() { CPU_FREE(set_); }
  CpuMask(const CpuMask&) = delete;
  CpuMask& operator=(const CpuMask&) = delete;

  cpu_set_t* get() const { return set_; }
  size_t bytes() const { return CPU_ALLOC_SIZE(kMaxCpus); }
  void Add(int cpu) { CPU_SET_S(static_cast<size_t>(cpu), bytes(), set_); }
  bool Has(int cpu) const { return CPU_ISSET_S(static_cast<size_t>(cpu), bytes(), set_); }

 private:
  cpu_set_t* const set_;
};

// The number in kB behind `name` in /proc/self/status, in bytes.
uint64_t StatusBytes(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (!absl::StartsWith(line, name)) continue;
    const size_t digits = line.find_first_of("0123456789");
    uint64_t kib = 0;
    if (digits != std::string::npos)
      std::from_chars(line.data() + digits, line.data() + line.size(), kib);
    return kib * 1024;
  }
  return 0;
}

// The number that a control group file holds; "max" and a missing file mean no limit.
uint64_t LimitIn(const std::string& path) {
  std::ifstream file(path);
  uint64_t limit = 0;
  return file >> limit ? limit : UINT64_MAX;
}

}  // namespace

std::vector<int> UsableCpus() {
  const CpuMask mask;
  std::vector<int> cpus;
  if (::sched_getaffinity(0, mask.bytes(), mask.get()) == 0) {
    for (int cpu = 0; cpu < kMaxCpus; ++cpu) {
      if (mask.Has(cpu)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

absl::Status PinThisThread(std::span<const int> cpus) {
  CpuMask mask;
  for (const int cpu : cpus) {
    if (cpu < 0 || cpu >= kMaxCpus)
      return absl::InvalidArgumentError(absl::StrCat(cpu, " is not the number of a core"));
    mask.Add(cpu);
  }
  if (::sched_setaffinity(0, mask.bytes(), mask.get()) != 0) {
    return ErrnoStatus(errno,
                       absl::StrCat("cannot pin a thread to cores ", absl::StrJoin(cpus, ",")));
  }
  return absl::OkStatus();
}

std::string_view IsaName() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) return "avx512_bf16";
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) return "avx512";
  if (__builtin_cpu_supports("avx2")) return "avx2";
  return "sse4.2";
#else
  return "generic";
#endif
}

uint64_t MachineMemoryBytes() {
  const auto pages = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::min({pages * page, LimitIn("/sys/fs/cgroup/memory.max"),
                   LimitIn("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}

uint64_t ResidentBytes() { return StatusBytes("VmRSS:"); }

uint64_t PeakResidentBytes() { return StatusBytes("VmHWM:"); }

}  // namespace gradus::base
