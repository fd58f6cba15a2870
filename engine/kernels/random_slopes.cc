// SPDX-License-Identifier: Apache-2.0
// Slopes are drawn for a few hundred values at a time, so that they stay near.
#include "engine/kernels/random_slopes.h"

#include <algorithm>
#include <array>
#include <span>

#include "absl/strings/str_cat.h"
#include "engine/base/philox.h"
#include "engine/base/status.h"
#include "engine/kernels/activation.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {
namespace {

constexpr size_t kChunk = 256;
constexpr size_t kLine = 16;

// Slopes as they are drawn.
struct Drawn {
  float low;
  float high;
  size_t values;
  size_t count;
  int threads;

  // use(first element, its slopes, how many) for all elements, in chunks.
  template <typename Use>
  void ForEachChunk(const Draw& draw, uint32_t stream, Use use) const {
    const base::RandomKey key = {.seed = draw.seed,
                                 .purpose = base::RandomPurpose::kNoise,
                                 .index = stream,
                                 .step = draw.step};
    const uint64_t first = static_cast<uint64_t>(draw.first_row) * values;
    ParallelRanges(threads, count, kLine, [&](size_t begin, size_t end) {
      std::array<uint32_t, kChunk> words;
      std::array<float, kChunk> slopes;
      for (size_t at = begin; at < end; at += kChunk) {
        const size_t part = std::min(kChunk, end - at);
        base::FillWords(key, first + at, std::span(words).first(part));
        Vector().uniform(words.data(), low, high, slopes.data(), part);
        use(at, slopes.data(), part);
      }
    });
  }

  std::string Describe(const char* pass) const {
    return absl::StrCat("random_slopes_", pass, " vector:", Vector().isa, " ", count);
  }

  Kernels Forward(const Operands& o) const {
    return OneKernel(Describe("forward"), [drawn = *this, o] {
      drawn.ForEachChunk(*o.draw, o.stream, [&](size_t at, const float* slopes, size_t part) {
        Vector().slopes(Floats(o.src()) + at, slopes, Floats(o.dst) + at, part);
      });
    });
  }

  Kernels Backward(const Operands& o) const {
    if (o.diff_src() == nullptr) return {};
    return OneKernel(Describe("backward"), [drawn = *this, o] {
      drawn.ForEachChunk(*o.draw, o.stream, [&](size_t at, const float* slopes, size_t part) {
        Vector().slopes_backward(Floats(o.src()) + at, slopes, Floats(o.diff_dst) + at,
                                 Floats(o.diff_src()) + at, part);
      });
    });
  }
};

}  // namespace

std::unique_ptr<const Operation> MakeRandomSlopes(float low, float high, int64_t values) {
  std::shared_ptr<const Operation> fixed =
      MakeActivation("mean_slope", &ActivationTable::leaky_relu, low + (high - low) / 2, values);
  const auto compile = [low, high, values, fixed](
                           const Setting& setting,
                           const Layouts& layouts) -> absl::StatusOr<CompiledParts> {
    CompiledParts parts;
    if (!setting.training || setting.frozen) {
      ASSIGN_OR_RETURN(std::shared_ptr<const CompiledOperation> compiled,
                       fixed->Compile(setting, layouts));
      parts.forward = [compiled](const Operands& o) { return compiled->Forward(o); };
      parts.backward = [compiled](const Operands& o) { return compiled->Backward(o); };
      return parts;
    }
    const Drawn drawn = {.low = low,
                         .high = high,
                         .values = static_cast<size_t>(values),
                         .count = static_cast<size_t>(setting.rows * values),
                         .threads = setting.threads};
    parts.forward = [drawn](const Operands& o) -> absl::StatusOr<Kernels> {
      return drawn.Forward(o);
    };
    parts.backward = [drawn](const Operands& o) -> absl::StatusOr<Kernels> {
      return drawn.Backward(o);
    };
    return parts;
  };
  return MakeOperation({.name = absl::StrCat("random_slopes ", values),
                        .dst_values = values,
                        .reads_src = ReadsSrc::kAlways},
                       compile);
}

}  // namespace gradus::kernels
