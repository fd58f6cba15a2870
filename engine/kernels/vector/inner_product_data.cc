// SPDX-License-Identifier: Apache-2.0
// The gradient of an inner product's input: the kernel's panels are turned over piece by piece,
// then it is a product like the others.
#include "engine/kernels/vector/panels.h"
#include "engine/kernels/vector/tile.h"
#include "engine/kernels/vector/variant.h"

namespace gradus::kernels::GRADUS_ISA {
namespace {

constexpr int64_t kStripe = 3 * kLanes;
constexpr int64_t kRowBlock = 64;
// Units of a block: their turned piece of the kernel lies in the first-level cache. A multiple of
// every stripe's quarter.
constexpr int64_t kUnitBlock = 128;

int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }

// Four rows of four become four columns of four.
GRADUS_INLINE void Turn4x4(const float* src, int64_t src_stride, float* dst, int64_t dst_stride) {
  __m128 a = _mm_loadu_ps(src);
  __m128 b = _mm_loadu_ps(src + src_stride);
  __m128 c = _mm_loadu_ps(src + 2 * src_stride);
  __m128 d = _mm_loadu_ps(src + 3 * src_stride);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(dst, a);
  _mm_storeu_ps(dst + dst_stride, b);
  _mm_storeu_ps(dst + 2 * dst_stride, c);
  _mm_storeu_ps(dst + 3 * dst_stride, d);
}

// turned[unit - first_unit][input - first_input] = kernel(input, unit). Whole fours of units are
// turned: those beyond the last are padding.
void Turn(const Panels& panels, const float* kernel, int64_t first_input, int64_t inputs,
          int64_t first_unit, int64_t units, float* turned) {
  for (int64_t unit = 0; unit < units; unit += 4) {
    const int64_t width = panels.width((first_unit + unit) / kStripe);
    const float* from = kernel + panels.At(first_input, first_unit + unit);
    float* to = turned + unit * kStripe;
    int64_t input = 0;
    for (; input + 4 <= inputs; input += 4)
      Turn4x4(from + input * width, width, to + input, kStripe);
    for (; input < inputs; ++input) {
      for (int64_t i = 0; i < 4; ++i) to[i * kStripe + input] = from[input * width + i];
    }
  }
}

void CopyRows(const float* sums, int64_t rows, int64_t columns, float* dst, int64_t dst_stride) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < columns; ++i) dst[row * dst_stride + i] = sums[row * kStripe + i];
  }
}

}  // namespace

void InnerProductBackwardData(const InnerProductShape& shape, const float* diff_dst,
                              const float* kernel, float* diff_src) {
  const Panels panels{shape.inputs, shape.units, kLanes};
  alignas(64) float sums[kRowBlock * kStripe];
  alignas(64) float turned[kUnitBlock * kStripe];
  // Lanes beyond the last input are computed and thrown away: they must not be numbers that slow
  // the multipliers down.
  for (float& x : turned) x = 0;
  const F all = MaskOf(kLanes);
  for (int64_t row = 0; row < shape.rows; row += kRowBlock) {
    const int64_t rows = Least(kRowBlock, shape.rows - row);
    for (int64_t input = 0; input < shape.inputs; input += kStripe) {
      const int64_t inputs = Least(kStripe, shape.inputs - input);
      for (int64_t unit = 0; unit < shape.units; unit += kUnitBlock) {
        const int64_t units = Least(kUnitBlock, shape.units - unit);
        Turn(panels, kernel, input, inputs, unit, units, turned);
        const TileOperands o{diff_dst + row * shape.units + unit,
                             shape.units,
                             1,
                             turned,
                             kStripe,
                             units,
                             sums,
                             kStripe,
                             all};
        const int64_t vectors = (inputs + kLanes - 1) / kLanes;
        unit == 0 ? TileColumnOf<false>(vectors, o, rows) : TileColumnOf<true>(vectors, o, rows);
      }
      CopyRows(sums, rows, inputs, diff_src + row * shape.inputs + input, shape.inputs);
    }
  }
}

}  // namespace gradus::kernels::GRADUS_ISA
