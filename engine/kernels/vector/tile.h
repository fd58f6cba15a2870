// SPDX-License-Identifier: Apache-2.0
// The tile: a few rows times a few vectors of a matrix product, held in registers. All inner
// products are made of it.
#pragma once

#include "engine/kernels/vector/simd.h"

namespace gradus::kernels::GRADUS_ISA {

// One factor's element (row, step) lies at a[row * row_stride + step * step_stride], the other's
// vectors at b[step * b_stride].
struct TileOperands {
  const float* a;
  int64_t row_stride;
  int64_t step_stride;
  const float* b;
  int64_t b_stride;
  int64_t steps;
  float* c;
  int64_t c_stride;
  // And-ed to the last vector of each row.
  F last_mask;
};

// C (+)= A * B for kRows rows of kVectors vectors; each element is summed over the steps in order.
template <int kRows, int kVectors, bool kAccumulate>
GRADUS_INLINE void Tile(const TileOperands& o) {
  F sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = kAccumulate ? Load(o.c + r * o.c_stride + v * kLanes) : Zero();
  }
  const float* a = o.a;
  const float* b = o.b;
  for (int64_t step = 0; step < o.steps; ++step) {
    F right[kVectors];
    for (int v = 0; v < kVectors; ++v) right[v] = Load(b + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const F left = Set(a[r * o.row_stride]);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = MulAdd(left, right[v], sum[r][v]);
    }
    a += o.step_stride;
    b += o.b_stride;
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v + 1 < kVectors; ++v) Store(o.c + r * o.c_stride + v * kLanes, sum[r][v]);
    Store(o.c + r * o.c_stride + (kVectors - 1) * kLanes, And(sum[r][kVectors - 1], o.last_mask));
  }
}

// Any number of rows: tiles, then single rows. Each row's bits are the same wherever it falls.
template <int kVectors, bool kAccumulate>
GRADUS_INLINE void TileColumn(TileOperands o, int64_t rows) {
  // A narrow column needs more rows to keep the multipliers busy.
  constexpr int kRows = kVectors == 1 ? 2 * kTileRows : kTileRows;
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows) {
    Tile<kRows, kVectors, kAccumulate>(o);
    o.a += kRows * o.row_stride;
    o.c += kRows * o.c_stride;
  }
  for (; row < rows; ++row) {
    Tile<1, kVectors, kAccumulate>(o);
    o.a += o.row_stride;
    o.c += o.c_stride;
  }
}

template <bool kAccumulate>
static void TileColumnOf(int64_t vectors, const TileOperands& o, int64_t rows) {
  if (vectors == 3) {
    TileColumn<3, kAccumulate>(o, rows);
  } else if (vectors == 2) {
    TileColumn<2, kAccumulate>(o, rows);
  } else {
    TileColumn<1, kAccumulate>(o, rows);
  }
}

}  // namespace gradus::kernels::GRADUS_ISA
