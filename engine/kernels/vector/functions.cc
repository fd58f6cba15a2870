// SPDX-License-Identifier: Apache-2.0
// Which variant this machine runs.
#include "engine/kernels/vector/functions.h"

#include <cstdlib>
#include <string_view>

namespace gradus::kernels {

namespace avx512 {
extern const VectorFunctions kFunctions;
}
namespace avx2 {
extern const VectorFunctions kFunctions;
}
namespace sse42 {
extern const VectorFunctions kFunctions;
}

namespace {

bool HasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool HasAvx512() {
  return HasAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

const VectorFunctions& Best() {
  const char* limit = std::getenv("ONEDNN_MAX_CPU_ISA");
  const std::string_view most = limit == nullptr ? "ALL" : limit;
  if (most == "SSE41" || most == "AVX") return sse42::kFunctions;
  const bool below_avx512 = most == "AVX2" || most == "AVX2_VNNI";
  if (!below_avx512 && HasAvx512()) return avx512::kFunctions;
  return HasAvx2() ? avx2::kFunctions : sse42::kFunctions;
}

}  // namespace

const VectorFunctions& Vector() {
  static const VectorFunctions& best = Best();
  return best;
}

const VectorFunctions* VectorOf(const char* isa) {
  const std::string_view name = isa;
  if (name == avx512::kFunctions.isa) return HasAvx512() ? &avx512::kFunctions : nullptr;
  if (name == avx2::kFunctions.isa) return HasAvx2() ? &avx2::kFunctions : nullptr;
  return name == sse42::kFunctions.isa ? &sse42::kFunctions : nullptr;
}

}  // namespace gradus::kernels
