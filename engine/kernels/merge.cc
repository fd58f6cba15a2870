// SPDX-License-Identifier: Apache-2.0
// Merges: forward folds source after source into the result, a part at a time that stays near.
#include "engine/kernels/merge.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {

constexpr size_t kMostElements = 1024;
using Buffer = std::array<float, kMostElements>;

class MergePart {
 public:
  MergePart(const Operands& operands, size_t at, size_t count)
      : operands_(operands), at_(at), count_(count) {}

  size_t sources() const { return operands_.srcs.size(); }
  size_t count() const { return count_; }
  const float* src(size_t i) const { return Floats(operands_.srcs[i]) + at_; }
  float* dst() const { return Floats(operands_.dst) + at_; }
  const float* diff_dst() const { return Floats(operands_.diff_dst) + at_; }
  // Null where nobody wants it.
  float* diff_src(size_t i) const {
    return operands_.diff_srcs[i] == nullptr ? nullptr : Floats(operands_.diff_srcs[i]) + at_;
  }
  void Copy(const float* src, float* dst) const { std::memcpy(dst, src, count_ * sizeof(float)); }

 private:
  const Operands& operands_;
  const size_t at_;
  const size_t count_;
};

namespace {

void Forward(const Merge& merge, const MergePart& part) {
  part.Copy(part.src(0), part.dst());
  const auto fold = Vector().*merge.fold;
  for (size_t i = 1; i < part.sources(); ++i) fold(part.dst(), part.src(i), part.count());
  if (merge.divides)
    Vector().rescale(part.dst(), 1.0F / static_cast<float>(part.sources()), 0, part.count());
}

void SumBackward(const MergePart& part) {
  for (size_t i = 0; i < part.sources(); ++i) {
    if (part.diff_src(i) != nullptr) part.Copy(part.diff_dst(), part.diff_src(i));
  }
}

void DifferenceBackward(const MergePart& part) {
  SumBackward(part);
  for (size_t i = 1; i < part.sources(); ++i) {
    if (part.diff_src(i) != nullptr) Vector().rescale(part.diff_src(i), -1, 0, part.count());
  }
}

void MeanBackward(const MergePart& part) {
  SumBackward(part);
  const float share = 1.0F / static_cast<float>(part.sources());
  for (size_t i = 0; i < part.sources(); ++i) {
    if (part.diff_src(i) != nullptr) Vector().rescale(part.diff_src(i), share, 0, part.count());
  }
}

// The product of the sources before each, then that of those behind it: no division, and as many
// multiplications as three a source.
void ProductBackward(const MergePart& part) {
  Buffer product;
  const size_t sources = part.sources();
  part.Copy(part.diff_dst(), product.data());
  for (size_t i = 0; i < sources; ++i) {
    if (part.diff_src(i) != nullptr) part.Copy(product.data(), part.diff_src(i));
    Vector().multiply(product.data(), part.src(i), part.count());
  }
  part.Copy(part.src(sources - 1), product.data());
  for (size_t i = sources - 1; i-- > 0;) {
    if (part.diff_src(i) != nullptr)
      Vector().multiply(part.diff_src(i), product.data(), part.count());
    Vector().multiply(product.data(), part.src(i), part.count());
  }
}

void ExtremeBackward(const MergePart& part) {
  Buffer left;
  Buffer unwanted;
  part.Copy(part.diff_dst(), left.data());
  for (size_t i = 0; i < part.sources(); ++i) {
    float* diff_src = part.diff_src(i) == nullptr ? unwanted.data() : part.diff_src(i);
    Vector().claim(part.dst(), part.src(i), left.data(), diff_src, part.count());
  }
}

// Calls run(part) for all elements, on threads.
template <typename Run>
void ForEachPart(const Operands& operands, size_t count, int threads, Run run) {
  ParallelRanges(threads, count, kMostElements, [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end; at += kMostElements)
      run(MergePart(operands, at, std::min(kMostElements, end - at)));
  });
}

CompiledParts Compile(const Merge& merge, int64_t values, const Setting& setting) {
  const auto count = static_cast<size_t>(setting.rows * values);
  const int threads = setting.threads;
  const auto describe = [&merge, count](absl::string_view pass, const Operands& o) {
    return absl::StrCat(merge.name, "_", pass, " vector:", Vector().isa, " ", o.srcs.size(), " of ",
                        count);
  };
  CompiledParts parts;
  parts.forward = [=, &merge](const Operands& o) -> absl::StatusOr<Kernels> {
    return OneKernel(describe("forward", o), [=, &merge, operands = o] {
      ForEachPart(operands, count, threads,
                  [&merge](const MergePart& part) { Forward(merge, part); });
    });
  };
  parts.backward = [=, &merge](const Operands& o) -> absl::StatusOr<Kernels> {
    if (std::ranges::all_of(o.diff_srcs, [](Cell cell) { return cell == nullptr; }))
      return Kernels{};
    return OneKernel(describe("backward", o), [=, &merge, operands = o] {
      ForEachPart(operands, count, threads, merge.backward);
    });
  };
  return parts;
}

}  // namespace

constinit const Merge kSum = {.name = "sum",
                              .fold = &VectorFunctions::add,
                              .divides = false,
                              .backward = SumBackward,
                              .reads_src = false,
                              .reads_dst = false};
constinit const Merge kDifference = {.name = "difference",
                                     .fold = &VectorFunctions::subtract,
                                     .divides = false,
                                     .backward = DifferenceBackward,
                                     .reads_src = false,
                                     .reads_dst = false};
constinit const Merge kProduct = {.name = "product",
                                  .fold = &VectorFunctions::multiply,
                                  .divides = false,
                                  .backward = ProductBackward,
                                  .reads_src = true,
                                  .reads_dst = false};
constinit const Merge kMean = {.name = "mean",
                               .fold = &VectorFunctions::add,
                               .divides = true,
                               .backward = MeanBackward,
                               .reads_src = false,
                               .reads_dst = false};
constinit const Merge kLargest = {.name = "largest",
                                  .fold = &VectorFunctions::raise,
                                  .divides = false,
                                  .backward = ExtremeBackward,
                                  .reads_src = true,
                                  .reads_dst = true};
constinit const Merge kSmallest = {.name = "smallest",
                                   .fold = &VectorFunctions::lower,
                                   .divides = false,
                                   .backward = ExtremeBackward,
                                   .reads_src = true,
                                   .reads_dst = true};

std::unique_ptr<const Operation> MakeMerge(const Merge& merge, int64_t values) {
  return MakeOperation(
      {.name = absl::StrCat(merge.name, " ", values),
       .dst_values = values,
       .reads_src = merge.reads_src ? ReadsSrc::kAlways : ReadsSrc::kNever,
       .reads_dst = merge.reads_dst},
      [&merge, values](const Setting& setting, const Layouts&) -> absl::StatusOr<CompiledParts> {
        return Compile(merge, values, setting);
      });
}

}  // namespace gradus::kernels
