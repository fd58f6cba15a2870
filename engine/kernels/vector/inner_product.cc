// SPDX-License-Identifier: Apache-2.0
// Inner products of small and middle size on one core, forward and weights' gradients.
#include "engine/kernels/vector/panels.h"
#include "engine/kernels/vector/tile.h"
#include "engine/kernels/vector/variant.h"

namespace gradus::kernels::GRADUS_ISA {
namespace {

constexpr int64_t kStripe = 3 * kLanes;
// Steps of a block: a stripe of so many lies in half of the first-level cache.
constexpr int64_t kStepBlock = 192;
// Rows whose sums are held while the steps go by.
constexpr int64_t kRowBlock = 64;
// Inputs whose gradients are made while their columns of src are near.
constexpr int64_t kInputBlock = 64;

int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }

// dst[row, column ...] = sums + bias.
void WriteRows(const float* sums, int64_t rows, int64_t columns, const float* bias, float* dst,
               int64_t dst_stride) {
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = sums + row * kStripe;
    float* to = dst + row * dst_stride;
    if (bias == nullptr) {
      for (int64_t i = 0; i < columns; ++i) to[i] = from[i];
    } else {
      for (int64_t i = 0; i < columns; ++i) to[i] = from[i] + bias[i];
    }
  }
}

}  // namespace

void InnerProductForward(const InnerProductShape& shape, const float* src, const float* kernel,
                         const float* bias, float* dst, UnaryFunction post) {
  const Panels panels{shape.inputs, shape.units, kLanes};
  alignas(64) float sums[kRowBlock * kStripe];
  const F all = MaskOf(kLanes);
  for (int64_t row = 0; row < shape.rows; row += kRowBlock) {
    const int64_t rows = Least(kRowBlock, shape.rows - row);
    for (int64_t panel = 0; panel < panels.count(); ++panel) {
      const int64_t width = panels.width(panel);
      const int64_t column = panel * kStripe;
      for (int64_t step = 0; step < shape.inputs; step += kStepBlock) {
        const TileOperands o{src + row * shape.inputs + step,
                             shape.inputs,
                             1,
                             kernel + panels.offset(panel) + step * width,
                             width,
                             Least(kStepBlock, shape.inputs - step),
                             sums,
                             kStripe,
                             all};
        step == 0 ? TileColumnOf<false>(width / kLanes, o, rows)
                  : TileColumnOf<true>(width / kLanes, o, rows);
      }
      WriteRows(sums, rows, Least(width, shape.units - column),
                bias == nullptr ? nullptr : bias + column, dst + row * shape.units + column,
                shape.units);
    }
    if (post != nullptr) post(dst + row * shape.units, static_cast<size_t>(rows * shape.units));
  }
}

void InnerProductBackwardWeights(const InnerProductShape& shape, const float* src,
                                 const float* diff_dst, float* diff_kernel) {
  InnerProductBackwardInputs(shape, 0, shape.inputs, src, diff_dst, diff_kernel);
}

void InnerProductBackwardInputs(const InnerProductShape& shape, int64_t begin, int64_t end,
                                const float* src, const float* diff_dst, float* diff_kernel) {
  const Panels panels{shape.inputs, shape.units, kLanes};
  const F all = MaskOf(kLanes);
  const F last = MaskOf(shape.units - (panels.padded_units() - kLanes));
  for (int64_t input = begin; input < end; input += kInputBlock) {
    const int64_t inputs = Least(kInputBlock, end - input);
    for (int64_t panel = 0; panel < panels.count(); ++panel) {
      const int64_t width = panels.width(panel);
      const TileOperands o{src + input,
                           1,
                           shape.inputs,
                           diff_dst + panel * kStripe,
                           shape.units,
                           shape.rows,
                           diff_kernel + panels.offset(panel) + input * width,
                           width,
                           panel + 1 == panels.count() ? last : all};
      TileColumnOf<false>(width / kLanes, o, inputs);
    }
  }
}

void InnerProductBackwardBias(const InnerProductShape& shape, const float* diff_dst,
                              float* diff_bias) {
  for (int64_t i = 0; i < shape.units; ++i) diff_bias[i] = 0;
  for (int64_t row = 0; row < shape.rows; ++row)
    AddTo(diff_bias, diff_dst + row * shape.units, static_cast<size_t>(shape.units));
}

}  // namespace gradus::kernels::GRADUS_ISA
