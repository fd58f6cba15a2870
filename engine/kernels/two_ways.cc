// SPDX-License-Identifier: Apache-2.0
// Runs one operation after the other, then a pass over both results.
#include "engine/kernels/two_ways.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/accumulate.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/part.h"
#include "engine/kernels/sequence.h"

namespace gradus::kernels {
namespace {

// The pass over both results, and back.
struct Meet {
  TwoWaysShape shape;
  int64_t rows = 0;
  int threads = 1;

  // Calls run(dst, first, second) with the numbers of the values where each vector begins.
  template <typename Run>
  void ForEach(Run run) const {
    const auto units = static_cast<size_t>(shape.units);
    const auto steps = static_cast<size_t>(shape.steps);
    const size_t dst = shape.meeting == Meeting::kSideBySide ? 2 * units : units;
    ParallelRanges(threads, static_cast<size_t>(rows) * steps * units, steps * units,
                   [&](size_t begin, size_t end) {
                     for (size_t at = begin / units; at < end / units; ++at) {
                       const size_t row = at / steps * steps;
                       run(at * dst, at * units, (row + steps - 1 - (at - row)) * units);
                     }
                   });
  }

  void Forward(const float* first, const float* second, float* dst) const {
    const auto units = static_cast<size_t>(shape.units);
    ForEach([&](size_t to, size_t a, size_t b) {
      for (size_t i = 0; i < units; ++i) {
        const float x = first[a + i];
        const float y = second[b + i];
        switch (shape.meeting) {
          case Meeting::kSideBySide:
            dst[to + i] = x;
            dst[to + units + i] = y;
            break;
          case Meeting::kSum:
            dst[to + i] = x + y;
            break;
          case Meeting::kProduct:
            dst[to + i] = x * y;
            break;
          case Meeting::kMean:
            dst[to + i] = 0.5F * (x + y);
        }
      }
    });
  }

  // `first` and `second`, the results, are read for products alone.
  void Backward(const float* diff, const float* first, const float* second, float* diff_first,
                float* diff_second) const {
    const auto units = static_cast<size_t>(shape.units);
    ForEach([&](size_t to, size_t a, size_t b) {
      for (size_t i = 0; i < units; ++i) {
        const float d = diff[to + i];
        switch (shape.meeting) {
          case Meeting::kSideBySide:
            diff_first[a + i] = d;
            diff_second[b + i] = diff[to + units + i];
            break;
          case Meeting::kSum:
            diff_first[a + i] = d;
            diff_second[b + i] = d;
            break;
          case Meeting::kProduct:
            diff_first[a + i] = d * second[b + i];
            diff_second[b + i] = d * first[a + i];
            break;
          case Meeting::kMean:
            diff_first[a + i] = 0.5F * d;
            diff_second[b + i] = 0.5F * d;
        }
      }
    });
  }
};

// Both ways, compiled. Scratch: two results or their gradients, the source's gradient from the way
// back, the ways' own. Workspace: the ways' own, and both results where backward needs them.
class Compiled {
 public:
  Compiled(const Meet& meet, bool training, std::unique_ptr<CompiledOperation> there,
           std::unique_ptr<CompiledOperation> back)
      : meet_(meet), training_(training), there_(std::move(there)), back_(std::move(back)) {}

  Layouts layouts() const {
    Layouts all = there_->layouts();
    for (auto& layout : back_->layouts()) all.push_back(layout);
    return all;
  }
  size_t scratch_bytes() const {
    return OwnAt() + std::max(there_->scratch_bytes(), back_->scratch_bytes());
  }
  size_t workspace_bytes() const {
    if (!training_) return 0;
    return ResultsAt() + (keeps() ? 2 * ResultBytes() : 0);
  }

  absl::StatusOr<Kernels> Forward(const Operands& o) const {
    Kernels pass;
    const auto [first, second] = Results(o, pass);
    Operands one = Part(o, false, pass);
    one.dst = first;
    RETURN_IF_ERROR(Append(there_->Forward(one), pass));
    Operands other = Part(o, true, pass);
    other.dst = second;
    RETURN_IF_ERROR(Append(back_->Forward(other), pass));
    pass.push_back(MakeKernel(absl::StrCat("meet_forward ", meet_.rows),
                              [meet = meet_, first = first, second = second, dst = o.dst] {
                                meet.Forward(Floats(first), Floats(second), Floats(dst));
                              }));
    return Together(std::move(pass));
  }

  absl::StatusOr<Kernels> Backward(const Operands& o) const {
    Kernels pass;
    const auto [first, second] = keeps() ? Results(o, pass) : std::pair<Cell, Cell>(o.dst, o.dst);
    const Cell diff_first = AppendPart(o.scratch, 0, pass);
    const Cell diff_second = AppendPart(o.scratch, ResultBytes(), pass);
    pass.push_back(MakeKernel(
        absl::StrCat("meet_backward ", meet_.rows),
        [meet = meet_, first = first, second = second, diff_first, diff_second, diff = o.diff_dst] {
          meet.Backward(Floats(diff), Floats(first), Floats(second), Floats(diff_first),
                        Floats(diff_second));
        }));
    Operands one = Part(o, false, pass);
    one.diff_dst = diff_first;
    RETURN_IF_ERROR(Append(there_->Backward(one), pass));
    Operands other = Part(o, true, pass);
    other.diff_dst = diff_second;
    if (o.diff_src() != nullptr) other.diff_srcs = {AppendPart(o.scratch, 2 * ResultBytes(), pass)};
    RETURN_IF_ERROR(Append(back_->Backward(other), pass));
    if (o.diff_src() != nullptr) {
      pass.push_back(MakeAccumulate(meet_.rows * meet_.shape.src_values, meet_.threads,
                                    other.diff_src(), o.diff_src()));
    }
    return Together(std::move(pass));
  }

 private:
  bool keeps() const { return training_ && meet_.shape.meeting == Meeting::kProduct; }
  static size_t Bytes(int64_t floats) {
    return WholeLines(static_cast<size_t>(floats) * sizeof(float));
  }
  size_t ResultBytes() const { return Bytes(meet_.rows * meet_.shape.steps * meet_.shape.units); }
  size_t OwnAt() const {
    return 2 * ResultBytes() + (training_ ? Bytes(meet_.rows * meet_.shape.src_values) : 0);
  }
  size_t ResultsAt() const {
    return WholeLines(there_->workspace_bytes()) + WholeLines(back_->workspace_bytes());
  }

  std::pair<Cell, Cell> Results(const Operands& o, Kernels& pass) const {
    const Cell memory = keeps() ? o.workspace : o.scratch;
    const size_t at = keeps() ? ResultsAt() : 0;
    return {AppendPart(memory, at, pass), AppendPart(memory, at + ResultBytes(), pass)};
  }

  // The operands of one way, without its result.
  Operands Part(const Operands& o, bool second, Kernels& pass) const {
    Operands part = o;
    const auto half = [second](const std::vector<Cell>& all) {
      const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
      return second ? std::vector<Cell>(middle, all.end()) : std::vector<Cell>(all.begin(), middle);
    };
    part.weights = half(o.weights);
    part.diff_weights = half(o.diff_weights);
    part.scratch = AppendPart(o.scratch, OwnAt(), pass);
    if (training_) {
      part.workspace =
          AppendPart(o.workspace, second ? WholeLines(there_->workspace_bytes()) : 0, pass);
    }
    return part;
  }

  static absl::Status Append(absl::StatusOr<Kernels> kernels, Kernels& pass) {
    RETURN_IF_ERROR(kernels.status());
    for (auto& kernel : *kernels) pass.push_back(std::move(kernel));
    return absl::OkStatus();
  }
  static Kernels Together(Kernels pass) {
    Kernels kernels;
    AppendSequence(std::move(pass), kernels);
    return kernels;
  }

  const Meet meet_;
  const bool training_;
  const std::unique_ptr<CompiledOperation> there_;
  const std::unique_ptr<CompiledOperation> back_;
};

absl::StatusOr<CompiledParts> Compile(const Meet& meet, const Operation& there,
                                      const Operation& back, const Setting& setting,
                                      const Layouts& layouts) {
  const auto middle = layouts.begin() + static_cast<std::ptrdiff_t>(layouts.size() / 2);
  ASSIGN_OR_RETURN(auto one, there.Compile(setting, Layouts(layouts.begin(), middle)));
  ASSIGN_OR_RETURN(auto other, back.Compile(setting, Layouts(middle, layouts.end())));
  const auto compiled =
      std::make_shared<const Compiled>(meet, setting.training, std::move(one), std::move(other));
  CompiledParts parts;
  parts.layouts = compiled->layouts();
  parts.scratch_bytes = compiled->scratch_bytes();
  parts.workspace_bytes = compiled->workspace_bytes();
  parts.forward = [compiled](const Operands& o) { return compiled->Forward(o); };
  parts.backward = [compiled](const Operands& o) { return compiled->Backward(o); };
  return parts;
}

}  // namespace

std::unique_ptr<const Operation> MakeTwoWays(const TwoWaysShape& shape,
                                             std::shared_ptr<const Operation> there,
                                             std::shared_ptr<const Operation> back) {
  OperationFacts facts{
      .name = "two_ways " + there->name(),
      .dst_values = shape.steps * shape.units * (shape.meeting == Meeting::kSideBySide ? 2 : 1),
      .reads_src = ReadsSrc::kForWeights};
  return MakeOperation(std::move(facts), [shape, there = std::move(there), back = std::move(back)](
                                             const Setting& setting, const Layouts& layouts) {
    const Meet meet{.shape = shape, .rows = setting.rows, .threads = setting.threads};
    return Compile(meet, *there, *back, setting, layouts);
  });
}

}  // namespace gradus::kernels
