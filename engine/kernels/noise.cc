// SPDX-License-Identifier: Apache-2.0
// Random factors and summands: numbers are made for a few hundred values at a time, so that they
// stay near.
#include "engine/kernels/noise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/kernels/copy.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {
namespace {

constexpr size_t kChunk = 256;
constexpr size_t kGrain = 16;

// One pass over a batch.
struct Pass {
  std::shared_ptr<const Noise> noise;
  size_t rows;
  size_t positions;
  size_t draws;
  int threads;
  // Factors alone.
  bool backward;
  const Draw* draw;
  uint32_t stream;
  Cell src;
  Cell dst;
};

// Values at, at + step, ..., `positions` runs of `count`, with the numbers of words `first` on.
void RunChunk(const Pass& pass, uint64_t first, size_t at, size_t step, size_t count) {
  std::array<uint32_t, kChunk> words;
  std::array<float, kChunk> factors;
  std::array<float, kChunk> summands;
  const base::RandomKey key = {.seed = pass.draw->seed,
                               .purpose = pass.noise->purpose,
                               .index = pass.stream,
                               .step = pass.draw->step};
  base::FillWords(key, first, std::span(words).first(count));
  const bool scales = pass.noise->factors != nullptr;
  const bool adds = pass.noise->summands != nullptr && !pass.backward;
  if (scales) pass.noise->factors(words.data(), factors.data(), count);
  if (adds) pass.noise->summands(words.data(), summands.data(), count);
  for (size_t position = 0; position < pass.positions; ++position, at += step) {
    float* dst = Floats(pass.dst) + at;
    std::memcpy(dst, Floats(pass.src) + at, count * sizeof(float));
    if (scales) Vector().multiply(dst, factors.data(), count);
    if (adds) Vector().add(dst, summands.data(), count);
  }
}

// Where each value has its own number, rows need not be told apart.
void RunRange(const Pass& pass, size_t begin, size_t end) {
  const size_t unit = pass.positions == 1 ? end - begin : pass.positions * pass.draws;
  const size_t width = unit / pass.positions;
  for (size_t at = begin; at < end; at += unit) {
    const uint64_t first =
        static_cast<uint64_t>(pass.draw->first_row) * pass.draws + at / pass.positions;
    for (size_t i = 0; i < width; i += kChunk)
      RunChunk(pass, first + i, at + i, width, std::min(kChunk, width - i));
  }
}

std::string Describe(const Pass& pass, absl::string_view name) {
  return absl::StrCat(name, " vector:", Vector().isa, " ", pass.rows, "x", pass.positions, "x",
                      pass.draws);
}

Kernels RunPass(Pass pass, const char* direction) {
  const std::string name = absl::StrCat(pass.noise->name, "_", direction);
  if (pass.backward && pass.noise->factors == nullptr) {
    const size_t count = pass.rows * pass.positions * pass.draws;
    Kernels kernels;
    kernels.push_back(MakeCopyKernel(Describe(pass, name), static_cast<int64_t>(count),
                                     pass.threads, pass.src, pass.dst));
    return kernels;
  }
  return OneKernel(Describe(pass, name), [pass] {
    const size_t values = pass.positions * pass.draws;
    ParallelRanges(pass.threads, pass.rows * values, pass.positions == 1 ? kGrain : values,
                   [&pass](size_t begin, size_t end) { RunRange(pass, begin, end); });
  });
}

CompiledParts Compile(const std::shared_ptr<const Noise>& noise, int64_t positions, int64_t draws,
                      const Setting& setting) {
  const Pass base = {.noise = noise,
                     .rows = static_cast<size_t>(setting.rows),
                     .positions = static_cast<size_t>(positions),
                     .draws = static_cast<size_t>(draws),
                     .threads = setting.threads,
                     .backward = false,
                     .draw = nullptr,
                     .stream = 0,
                     .src = nullptr,
                     .dst = nullptr};
  CompiledParts parts;
  parts.forward = [base,
                   training = setting.training](const Operands& o) -> absl::StatusOr<Kernels> {
    Pass pass = base;
    pass.draw = o.draw;
    pass.stream = o.stream;
    pass.src = o.src();
    pass.dst = o.dst;
    if (training) return RunPass(pass, "forward");
    Kernels kernels;
    const size_t count = pass.rows * pass.positions * pass.draws;
    kernels.push_back(MakeCopyKernel(absl::StrCat(pass.noise->name, "_off ", count),
                                     static_cast<int64_t>(count), pass.threads, o.src(), o.dst));
    return kernels;
  };
  parts.backward = [base](const Operands& o) -> absl::StatusOr<Kernels> {
    if (o.diff_src() == nullptr) return Kernels{};
    Pass pass = base;
    pass.backward = true;
    pass.draw = o.draw;
    pass.stream = o.stream;
    pass.src = o.diff_dst;
    pass.dst = o.diff_src();
    return RunPass(pass, "backward");
  };
  return parts;
}

}  // namespace

NoiseFunction Chosen(double rate, float low, float high) {
  const auto last = static_cast<uint32_t>(std::ceil(rate * 0x1p32) - 1);
  return [last, low, high](const uint32_t* words, float* dst, size_t count) {
    Vector().choose(words, last, low, high, dst, count);
  };
}

NoiseFunction NormallyDistributed(float mean, float stddev) {
  return [mean, stddev](const uint32_t* words, float* dst, size_t count) {
    Vector().normal(words, dst, count);
    Vector().rescale(dst, stddev, mean, count);
  };
}

std::unique_ptr<const Operation> MakeNoise(Noise noise, int64_t positions, int64_t draws) {
  OperationFacts facts{.name = absl::StrCat(noise.name, " ", positions, "x", draws),
                       .dst_values = positions * draws};
  return MakeOperation(
      std::move(facts),
      [shared = std::make_shared<const Noise>(std::move(noise)), positions, draws](
          const Setting& setting, const Layouts&) -> absl::StatusOr<CompiledParts> {
        return Compile(shared, positions, draws, setting);
      });
}

}  // namespace gradus::kernels
