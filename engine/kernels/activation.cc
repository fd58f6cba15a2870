// SPDX-License-Identifier: Apache-2.0
// Functions of each element whose gradient follows from what they were given.
#include "engine/kernels/activation.h"

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

constexpr size_t kLine = 16;

}  // namespace

std::unique_ptr<const Operation> MakeActivation(const char* name,
                                                ActivationFunctions ActivationTable::*function,
                                                float setting, int64_t values) {
  const auto compile = [name, function, setting, values](
                           const Setting& at, const Layouts&) -> absl::StatusOr<CompiledParts> {
    const ActivationFunctions functions = Vector().activations->*function;
    const auto count = static_cast<size_t>(at.rows * values);
    const int threads = at.threads;
    const std::string details = absl::StrCat(" vector:", Vector().isa, " ", count);
    CompiledParts parts;
    parts.forward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
      return OneKernel(absl::StrCat(name, "_forward", details), [=, src = o.src(), dst = o.dst] {
        ParallelRanges(threads, count, kLine, [&](size_t begin, size_t end) {
          functions.forward(Floats(src) + begin, Floats(dst) + begin, setting, end - begin);
        });
      });
    };
    parts.backward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
      if (o.diff_src() == nullptr) return Kernels{};
      return OneKernel(absl::StrCat(name, "_backward", details),
                       [=, src = o.src(), diff_dst = o.diff_dst, diff_src = o.diff_src()] {
                         ParallelRanges(threads, count, kLine, [&](size_t begin, size_t end) {
                           functions.backward(Floats(src) + begin, Floats(diff_dst) + begin,
                                              Floats(diff_src) + begin, setting, end - begin);
                         });
                       });
    };
    return parts;
  };
  return MakeOperation({.name = absl::StrCat(name, " ", values),
                        .dst_values = values,
                        .reads_src = ReadsSrc::kAlways},
                       compile);
}

}  // namespace gradus::kernels
