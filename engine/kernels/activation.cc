// SPDX-License-Identifier: Apache-2.0
// Functions of each element whose gradient follows from what they were given.
#include "engine/kernels/activation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

constexpr size_t kLine = 16;
// Elements whose sum is taken by itself, so that threads do not change the order.
constexpr size_t kSummed = 4096;

std::string Details(size_t count) { return absl::StrCat(" vector:", Vector().isa, " ", count); }

// forward(operands, begin, end) and backward(operands, begin, end) do a part of all elements.
template <typename Forward, typename Backward>
CompiledParts PartsOf(const char* name, size_t count, int threads, Forward forward,
                      Backward backward) {
  CompiledParts parts;
  parts.forward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
    return OneKernel(absl::StrCat(name, "_forward", Details(count)), [=] {
      ParallelRanges(threads, count, kLine,
                     [&](size_t begin, size_t end) { forward(o, begin, end); });
    });
  };
  parts.backward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
    if (o.diff_src() == nullptr) return Kernels{};
    return OneKernel(absl::StrCat(name, "_backward", Details(count)), [=] {
      ParallelRanges(threads, count, kLine,
                     [&](size_t begin, size_t end) { backward(o, begin, end); });
    });
  };
  return parts;
}

// setting(operands) is what the function's formula has, at the time.
template <typename SettingOf>
CompiledParts FunctionParts(const char* name, const ActivationFunctions& functions, size_t count,
                            int threads, SettingOf setting) {
  return PartsOf(
      name, count, threads,
      [=](const Operands& o, size_t begin, size_t end) {
        functions.forward(Floats(o.src()) + begin, Floats(o.dst) + begin, setting(o), end - begin);
      },
      [=](const Operands& o, size_t begin, size_t end) {
        functions.backward(Floats(o.src()) + begin, Floats(o.diff_dst) + begin,
                           Floats(o.diff_src()) + begin, setting(o), end - begin);
      });
}

// The gradient of a setting that is a weight.
std::unique_ptr<Kernel> MakeSettingGradient(const char* name, const ActivationFunctions& functions,
                                            size_t count, int threads, const Operands& o) {
  return MakeKernel(absl::StrCat(name, "_setting", Details(count)), [=] {
    auto* sums = static_cast<double*>(*o.scratch);
    const float setting = *Floats(o.weights[0]);
    ParallelRanges(threads, count, kSummed, [&](size_t begin, size_t end) {
      for (size_t at = begin; at < end; at += kSummed) {
        sums[at / kSummed] = functions.by_setting(Floats(o.src()) + at, Floats(o.diff_dst) + at,
                                                  setting, std::min(kSummed, end - at));
      }
    });
    double sum = 0;
    for (size_t at = 0; at < count; at += kSummed) sum += sums[at / kSummed];
    *Floats(o.diff_weights[0]) = static_cast<float>(sum);
  });
}

OperationFacts Facts(const char* name, int64_t values) {
  return {.name = absl::StrCat(name, " ", values),
          .dst_values = values,
          .reads_src = ReadsSrc::kAlways};
}

}  // namespace

std::unique_ptr<const Operation> MakeActivation(const char* name,
                                                ActivationFunctions ActivationTable::*function,
                                                float setting, int64_t values) {
  return MakeOperation(Facts(name, values),
                       [=](const Setting& at, const Layouts&) -> absl::StatusOr<CompiledParts> {
                         return FunctionParts(name, Vector().activations->*function,
                                              static_cast<size_t>(at.rows * values), at.threads,
                                              [setting](const Operands&) { return setting; });
                       });
}

std::unique_ptr<const Operation> MakeTrainedActivation(
    const char* name, ActivationFunctions ActivationTable::*function, int64_t values) {
  const auto compile = [=](const Setting& at, const Layouts&) -> absl::StatusOr<CompiledParts> {
    const ActivationFunctions functions = Vector().activations->*function;
    const auto count = static_cast<size_t>(at.rows * values);
    const int threads = at.threads;
    CompiledParts parts = FunctionParts(name, functions, count, threads,
                                        [](const Operands& o) { return *Floats(o.weights[0]); });
    parts.layouts = {PlainLayout(1)};
    if (at.training) parts.scratch_bytes = (count + kSummed - 1) / kSummed * sizeof(double);
    parts.backward = [=, elements = parts.backward](const Operands& o) -> absl::StatusOr<Kernels> {
      absl::StatusOr<Kernels> kernels = elements(o);
      if (kernels.ok() && o.diff_weights[0] != nullptr)
        kernels->push_back(MakeSettingGradient(name, functions, count, threads, o));
      return kernels;
    };
    return parts;
  };
  return MakeOperation(Facts(name, values), compile);
}

std::unique_ptr<const Operation> MakeRamp(const Ramp& ramp, int64_t values) {
  constexpr const char* kName = "ramp";
  return MakeOperation(
      Facts(kName, values),
      [=](const Setting& at, const Layouts&) -> absl::StatusOr<CompiledParts> {
        return PartsOf(
            kName, static_cast<size_t>(at.rows * values), at.threads,
            [=](const Operands& o, size_t begin, size_t end) {
              Vector().ramp(Floats(o.src()) + begin, Floats(o.dst) + begin, ramp, end - begin);
            },
            [=](const Operands& o, size_t begin, size_t end) {
              Vector().ramp_backward(Floats(o.src()) + begin, Floats(o.diff_dst) + begin,
                                     Floats(o.diff_src()) + begin, ramp, end - begin);
            });
      });
}

}  // namespace gradus::kernels
