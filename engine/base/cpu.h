// SPDX-License-Identifier: Apache-2.0
// What this process may use of the machine: cores, instruction set, memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace gradus::base {

// Numbers of the cores that this thread may run on (taskset, cgroups' cpusets), ascending; never
// empty.
std::vector<int> UsableCpus();

// Lets this thread run on these cores only; threads that it starts inherit it. INVALID_ARGUMENT for
// a core that is not there.
absl::Status PinThisThread(std::span<const int> cpus);

// The best instruction set of this machine that changes what training computes: "avx512_bf16",
// "avx512", "avx2" or "sse4.2". Part of a checkpoint: weights are the same bits only within one.
std::string_view IsaName();

// Memory of the machine, or the control group's limit where that is less.
uint64_t MachineMemoryBytes();

// Resident memory of this process, now and at most so far; 0 where the kernel does not tell.
uint64_t ResidentBytes();
uint64_t PeakResidentBytes();

// A hint to the core that the thread is spinning.
inline void SpinPause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace gradus::base
