// SPDX-License-Identifier: Apache-2.0
// Sampling of images: each pixel of the result is a weighted sum of up to four of the source.
#include "engine/kernels/image_sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

constexpr int64_t kNowhere = -1;

// The place of `i` within 0 ... extent - 1, or kNowhere.
int64_t Inside(int64_t i, int64_t extent, Outside outside) {
  if (i >= 0 && i < extent) return i;
  const int64_t period = outside == Outside::kReflected ? 2 * extent : extent;
  const int64_t folded = (i % period + period) % period;
  switch (outside) {
    case Outside::kValue:
      return kNowhere;
    case Outside::kReflected:
      return folded < extent ? folded : period - 1 - folded;
    case Outside::kWrapped:
      return folded;
    case Outside::kNearest:
      break;
  }
  return i < 0 ? 0 : extent - 1;
}

// A pixel of the source with its weight.
struct Tap {
  int64_t y;
  int64_t x;
  float weight;
};

// Those that make one pixel.
struct Taps {
  std::array<Tap, 4> taps;
  size_t count = 0;
  void Add(int64_t y, int64_t x, double weight) {
    if (weight != 0) taps[count++] = {y, x, static_cast<float>(weight)};
  }
};

Taps TapsOf(const ImageSampling& s, const PixelMap& map, int64_t y, int64_t x) {
  const auto column = static_cast<double>(x);
  const auto row = static_cast<double>(y);
  const double from_x = map.xx * column + map.xy * row + map.x0;
  const double from_y = map.yx * column + map.yy * row + map.y0;
  Taps taps;
  if (!s.bilinear) {
    taps.Add(std::lround(from_y), std::lround(from_x), 1);
    return taps;
  }
  const double low_x = std::floor(from_x);
  const double low_y = std::floor(from_y);
  const double right = from_x - low_x;
  const double below = from_y - low_y;
  const auto left = static_cast<int64_t>(low_x);
  const auto top = static_cast<int64_t>(low_y);
  taps.Add(top, left, (1 - below) * (1 - right));
  taps.Add(top, left + 1, (1 - below) * right);
  taps.Add(top + 1, left, below * (1 - right));
  taps.Add(top + 1, left + 1, below * right);
  return taps;
}

// Calls visit(pixel of the result, pixel of the source or kNowhere, weight).
template <typename Visit>
void ForEachTap(const ImageSampling& s, const PixelMap& map, Visit visit) {
  for (int64_t y = 0; y < s.dst_height; ++y) {
    for (int64_t x = 0; x < s.dst_width; ++x) {
      const Taps taps = TapsOf(s, map, y, x);
      for (size_t i = 0; i < taps.count; ++i) {
        const Tap& tap = taps.taps[i];
        const int64_t from_y = Inside(tap.y, s.height, s.outside);
        const int64_t from_x = Inside(tap.x, s.width, s.outside);
        const bool nowhere = from_y == kNowhere || from_x == kNowhere;
        visit(y * s.dst_width + x, nowhere ? kNowhere : from_y * s.width + from_x, tap.weight);
      }
    }
  }
}

// The result is a rectangle of the source, pixel for pixel.
bool IsCut(const ImageSampling& s, const PixelMap& m) {
  const bool straight = m.xx == 1 && m.xy == 0 && m.yx == 0 && m.yy == 1;
  return straight && m.x0 == std::floor(m.x0) && m.y0 == std::floor(m.y0) && m.x0 >= 0 &&
         m.y0 >= 0 && m.x0 <= static_cast<double>(s.width - s.dst_width) &&
         m.y0 <= static_cast<double>(s.height - s.dst_height);
}

void Forward(const ImageSampling& s, const PixelMap& map, const float* src, float* dst) {
  if (IsCut(s, map)) {
    const auto x0 = static_cast<int64_t>(map.x0);
    const auto y0 = static_cast<int64_t>(map.y0);
    const int64_t line = s.dst_width * s.channels;
    for (int64_t y = 0; y < s.dst_height; ++y) {
      std::memcpy(dst + y * line, src + ((y + y0) * s.width + x0) * s.channels,
                  static_cast<size_t>(line) * sizeof(float));
    }
    return;
  }
  std::fill_n(dst, s.dst_height * s.dst_width * s.channels, 0.0F);
  ForEachTap(s, map, [&](int64_t to, int64_t from, float weight) {
    float* pixel = dst + to * s.channels;
    for (int64_t c = 0; c < s.channels; ++c)
      pixel[c] += weight * (from == kNowhere ? s.value : src[from * s.channels + c]);
  });
}

void Backward(const ImageSampling& s, const PixelMap& map, const float* diff_dst, float* diff_src) {
  std::fill_n(diff_src, s.height * s.width * s.channels, 0.0F);
  ForEachTap(s, map, [&](int64_t to, int64_t from, float weight) {
    if (from == kNowhere) return;
    float* pixel = diff_src + from * s.channels;
    for (int64_t c = 0; c < s.channels; ++c) pixel[c] += weight * diff_dst[to * s.channels + c];
  });
}

// Calls run(row, its map) for all rows, on threads.
template <typename Run>
void ForEachRow(const ImageSampling& s, const Setting& setting, const Draw* draw, uint32_t stream,
                Run run) {
  const auto values =
      static_cast<size_t>(std::max(s.height * s.width, s.dst_height * s.dst_width) * s.channels);
  ParallelRanges(setting.threads, static_cast<size_t>(setting.rows) * values, values,
                 [&](size_t begin, size_t end) {
                   for (size_t row = begin / values; row < end / values; ++row) {
                     if (!setting.training) {
                       run(static_cast<int64_t>(row), s.still);
                       continue;
                     }
                     const base::Philox philox({.seed = draw->seed,
                                                .purpose = base::RandomPurpose::kAugment,
                                                .index = stream,
                                                .step = draw->step});
                     const uint64_t block = static_cast<uint64_t>(draw->first_row) + row;
                     run(static_cast<int64_t>(row),
                         s.draw(philox.Block(static_cast<uint32_t>(block))));
                   }
                 });
}

CompiledParts Compile(const std::shared_ptr<const ImageSampling>& s, const Setting& setting) {
  const int64_t src_values = s->height * s->width * s->channels;
  const int64_t dst_values = s->dst_height * s->dst_width * s->channels;
  const std::string details = absl::StrCat(setting.rows, "x", s->height, "x", s->width, "x",
                                           s->channels, s->bilinear ? " bilinear" : "");
  CompiledParts parts;
  parts.forward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
    return OneKernel(absl::StrCat(s->name, "_forward ", details),
                     [=, src = o.src(), dst = o.dst, draw = o.draw, stream = o.stream] {
                       ForEachRow(*s, setting, draw, stream, [&](int64_t row, const PixelMap& map) {
                         Forward(*s, map, Floats(src) + row * src_values,
                                 Floats(dst) + row * dst_values);
                       });
                     });
  };
  parts.backward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
    if (o.diff_src() == nullptr) return Kernels{};
    return OneKernel(
        absl::StrCat(s->name, "_backward ", details),
        [=, diff_dst = o.diff_dst, diff_src = o.diff_src(), draw = o.draw, stream = o.stream] {
          ForEachRow(*s, setting, draw, stream, [&](int64_t row, const PixelMap& map) {
            Backward(*s, map, Floats(diff_dst) + row * dst_values,
                     Floats(diff_src) + row * src_values);
          });
        });
  };
  return parts;
}

}  // namespace

std::unique_ptr<const Operation> MakeImageSampling(ImageSampling sampling) {
  OperationFacts facts{
      .name = absl::StrCat(sampling.name, " ", sampling.dst_height, "x", sampling.dst_width),
      .dst_values = sampling.dst_height * sampling.dst_width * sampling.channels};
  return MakeOperation(
      std::move(facts),
      [shared = std::make_shared<const ImageSampling>(std::move(sampling))](
          const Setting& setting, const Layouts&) -> absl::StatusOr<CompiledParts> {
        return Compile(shared, setting);
      });
}

}  // namespace gradus::kernels
