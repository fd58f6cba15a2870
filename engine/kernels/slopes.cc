// SPDX-License-Identifier: Apache-2.0
// Slopes that values share are laid out as a row is, then used like those of a row's own.
#include "engine/kernels/slopes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/part.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {
namespace {

constexpr size_t kLine = 16;

// Weights as slopes, for one number of rows.
//   Scratch  a row's slopes and a row's sums, where several values share one; else nothing.
class WeightSlopes {
 public:
  WeightSlopes(int64_t values, int64_t slopes, std::shared_ptr<const std::vector<int32_t>> places,
               const Setting& setting)
      : values_(static_cast<size_t>(values)),
        slopes_(static_cast<size_t>(slopes)),
        places_(std::move(places)),
        rows_(static_cast<size_t>(setting.rows)),
        threads_(setting.threads),
        training_(setting.training) {}

  size_t scratch_bytes() const {
    if (!shared()) return 0;
    return RowBytes() + (training_ ? RowBytes() + slopes_ * sizeof(double) : 0);
  }

  Kernels Forward(const Operands& o) const {
    return OneKernel(Describe("forward"), [self = *this, o] {
      const float* slopes = self.SlopesOfARow(o);
      self.ForEachRun([&](size_t at, size_t column, size_t count) {
        Vector().slopes(Floats(o.src()) + at, slopes + column, Floats(o.dst) + at, count);
      });
    });
  }

  Kernels Backward(const Operands& o) const {
    Kernels kernels;
    if (o.diff_src() != nullptr) {
      kernels.push_back(MakeKernel(Describe("backward"), [self = *this, o] {
        const float* slopes = self.SlopesOfARow(o);
        self.ForEachRun([&](size_t at, size_t column, size_t count) {
          Vector().slopes_backward(Floats(o.src()) + at, slopes + column, Floats(o.diff_dst) + at,
                                   Floats(o.diff_src()) + at, count);
        });
      }));
    }
    if (o.diff_weights[0] != nullptr)
      kernels.push_back(MakeKernel(Describe("weights"), [self = *this, o] { self.Gather(o); }));
    return kernels;
  }

 private:
  bool shared() const { return !places_->empty(); }
  size_t RowBytes() const { return WholeLines(values_ * sizeof(float)); }
  std::string Describe(const char* pass) const {
    return absl::StrCat("slopes_", pass, " vector:", Vector().isa, " ", rows_, "x", values_, " of ",
                        slopes_);
  }
  static float* ScratchAt(const Operands& o, size_t bytes) {
    return Floats(o.scratch) + bytes / sizeof(float);
  }

  const float* SlopesOfARow(const Operands& o) const {
    const float* slopes = Floats(o.weights[0]);
    if (!shared()) return slopes;
    float* row = Floats(o.scratch);
    for (size_t i = 0; i < values_; ++i) row[i] = slopes[static_cast<size_t>((*places_)[i])];
    return row;
  }

  // run(first element, its place in the row, how many) for runs that lie within a row.
  template <typename Run>
  void ForEachRun(Run run) const {
    ParallelRanges(threads_, rows_ * values_, kLine, [&](size_t begin, size_t end) {
      for (size_t at = begin; at < end;) {
        const size_t column = at % values_;
        const size_t count = std::min(values_ - column, end - at);
        run(at, column, count);
        at += count;
      }
    });
  }

  // Over the rows in their order, then over the values that share a slope in theirs.
  void Gather(const Operands& o) const {
    float* sums = shared() ? ScratchAt(o, RowBytes()) : Floats(o.diff_weights[0]);
    std::fill_n(sums, values_, 0.0F);
    ParallelRanges(threads_, values_, kLine, [&](size_t begin, size_t end) {
      for (size_t row = 0; row < rows_; ++row) {
        const size_t at = row * values_ + begin;
        Vector().slopes_gather(Floats(o.src()) + at, Floats(o.diff_dst) + at, sums + begin,
                               end - begin);
      }
    });
    if (!shared()) return;
    auto* totals = static_cast<double*>(static_cast<void*>(ScratchAt(o, 2 * RowBytes())));
    std::fill_n(totals, slopes_, 0.0);
    for (size_t i = 0; i < values_; ++i)
      totals[static_cast<size_t>((*places_)[i])] += static_cast<double>(sums[i]);
    for (size_t i = 0; i < slopes_; ++i)
      Floats(o.diff_weights[0])[i] = static_cast<float>(totals[i]);
  }

  const size_t values_;
  const size_t slopes_;
  const std::shared_ptr<const std::vector<int32_t>> places_;
  const size_t rows_;
  const int threads_;
  const bool training_;
};

}  // namespace

std::unique_ptr<const Operation> MakeSlopes(int64_t values, int64_t slopes,
                                            std::vector<int32_t> places) {
  const auto compile =
      [values, slopes, shared = std::make_shared<const std::vector<int32_t>>(std::move(places))](
          const Setting& setting, const Layouts&) -> absl::StatusOr<CompiledParts> {
    const auto compiled = std::make_shared<const WeightSlopes>(values, slopes, shared, setting);
    CompiledParts parts;
    parts.layouts = {PlainLayout(static_cast<size_t>(slopes))};
    parts.scratch_bytes = compiled->scratch_bytes();
    parts.forward = [compiled](const Operands& o) { return compiled->Forward(o); };
    parts.backward = [compiled](const Operands& o) { return compiled->Backward(o); };
    return parts;
  };
  return MakeOperation({.name = absl::StrCat("slopes ", values, " of ", slopes),
                        .dst_values = values,
                        .reads_src = ReadsSrc::kAlways},
                       compile);
}

}  // namespace gradus::kernels
