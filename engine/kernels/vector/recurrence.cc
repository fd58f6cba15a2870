// SPDX-License-Identifier: Apache-2.0
// Steps of recurrences, row by row: what is between the products.
#include "engine/kernels/vector/simd.h"
#include "engine/kernels/vector/variant.h"

namespace gradus::kernels::GRADUS_ISA {
namespace {

GRADUS_INLINE void Apply(UnaryFunction f, float* x, int64_t count) {
  if (f != nullptr) f(x, static_cast<size_t>(count));
}
GRADUS_INLINE void Undo(UnaryBackwardFunction f, const float* y, float* diff, int64_t count) {
  if (f != nullptr) f(y, diff, static_cast<size_t>(count));
}
GRADUS_INLINE void Copy(const float* __restrict src, float* __restrict dst, int64_t count) {
  for (int64_t i = 0; i < count; ++i) dst[i] = src[i];
}

// h = z * h_before + (1 - z) * g.
GRADUS_INLINE void Mix(int64_t units, const float* __restrict z, const float* __restrict g,
                       const float* __restrict h_before, float* __restrict h) {
  for (int64_t i = 0; i < units; ++i) h[i] = z[i] * h_before[i] + (1.0F - z[i]) * g[i];
}

// Gradients of z and g; dh becomes that of h_before.
GRADUS_INLINE void Unmix(int64_t units, const float* __restrict z, const float* __restrict g,
                         const float* __restrict h_before, float* __restrict dh,
                         float* __restrict dz, float* __restrict dg) {
  for (int64_t i = 0; i < units; ++i) {
    const float d = dh[i];
    dz[i] = d * (h_before[i] - g[i]);
    dg[i] = d * (1.0F - z[i]);
    dh[i] = d * z[i];
  }
}

void LstmForward(const RecurrenceFunctions& f, int64_t rows, int64_t units, float* __restrict gates,
                 const float* __restrict c_before, float* __restrict c, float* __restrict c_after,
                 float* __restrict h) {
  for (int64_t row = 0; row < rows; ++row) {
    Apply(f.gates, gates, 2 * units);
    Apply(f.activation, gates + 2 * units, units);
    Apply(f.gates, gates + 3 * units, units);
    for (int64_t i = 0; i < units; ++i)
      c[i] = gates[units + i] * c_before[i] + gates[i] * gates[2 * units + i];
    Copy(c, c_after, units);
    Apply(f.activation, c_after, units);
    for (int64_t i = 0; i < units; ++i) h[i] = gates[3 * units + i] * c_after[i];
    gates += 4 * units;
    c_before += units;
    c += units;
    c_after += units;
    h += units;
  }
}

void LstmBackward(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                  float* __restrict gates, const float* __restrict c_before,
                  const float* __restrict c_after, float* __restrict dh, float* __restrict dc,
                  float* __restrict room) {
  float* __restrict of_c = room + 4 * units;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < units; ++i) {
      room[3 * units + i] = dh[i] * c_after[i];
      of_c[i] = dh[i] * gates[3 * units + i];
      // h goes on through products alone.
      dh[i] = 0;
    }
    Undo(f.activation_backward, c_after, of_c, units);
    for (int64_t i = 0; i < units; ++i) {
      const float d = dc[i] + of_c[i];
      room[i] = d * gates[2 * units + i];
      room[units + i] = d * c_before[i];
      room[2 * units + i] = d * gates[i];
      dc[i] = d * gates[units + i];
    }
    Undo(f.gates_backward, gates, room, 2 * units);
    Undo(f.activation_backward, gates + 2 * units, room + 2 * units, units);
    Undo(f.gates_backward, gates + 3 * units, room + 3 * units, units);
    Copy(room, gates, 4 * units);
    gates += 4 * units;
    c_before += units;
    c_after += units;
    dh += units;
    dc += units;
  }
}

void GruAfterForward(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                     float* __restrict gates, const float* __restrict products,
                     const float* __restrict h_before, float* __restrict h) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < 2 * units; ++i) gates[i] += products[i];
    Apply(f.gates, gates, 2 * units);
    for (int64_t i = 0; i < units; ++i)
      gates[2 * units + i] += gates[units + i] * products[2 * units + i];
    Apply(f.activation, gates + 2 * units, units);
    Mix(units, gates, gates + 2 * units, h_before, h);
    gates += 3 * units;
    products += 3 * units;
    h_before += units;
    h += units;
  }
}

void GruAfterBackward(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                      float* __restrict gates, float* __restrict products,
                      const float* __restrict h_before, float* __restrict dh,
                      float* __restrict room) {
  for (int64_t row = 0; row < rows; ++row) {
    float* g = gates + 2 * units;
    Unmix(units, gates, g, h_before, dh, room, room + 2 * units);
    Undo(f.activation_backward, g, room + 2 * units, units);
    for (int64_t i = 0; i < units; ++i)
      room[units + i] = room[2 * units + i] * products[2 * units + i];
    for (int64_t i = 0; i < units; ++i)
      products[2 * units + i] = room[2 * units + i] * gates[units + i];
    Undo(f.gates_backward, gates, room, 2 * units);
    Copy(room, gates, 3 * units);
    Copy(room, products, 2 * units);
    gates += 3 * units;
    products += 3 * units;
    h_before += units;
    dh += units;
  }
}

void GruResetForward(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                     float* __restrict gates, const float* __restrict h_before,
                     float* __restrict reset) {
  for (int64_t row = 0; row < rows; ++row) {
    Apply(f.gates, gates, 2 * units);
    for (int64_t i = 0; i < units; ++i) reset[i] = gates[units + i] * h_before[i];
    gates += 2 * units;
    h_before += units;
    reset += units;
  }
}

void GruMixForward(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                   const float* __restrict gates, float* __restrict g,
                   const float* __restrict h_before, float* __restrict h) {
  Apply(f.activation, g, rows * units);
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t at = row * units;
    Mix(units, gates + 2 * at, g + at, h_before + at, h + at);
  }
}

void GruMixBackward(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                    const float* __restrict gates, float* __restrict g,
                    const float* __restrict h_before, float* __restrict dh, float* __restrict dz,
                    float* __restrict room) {
  for (int64_t row = 0; row < rows; ++row) {
    Unmix(units, gates, g, h_before, dh, dz, room);
    Undo(f.activation_backward, g, room, units);
    Copy(room, g, units);
    gates += 2 * units;
    g += units;
    h_before += units;
    dh += units;
    dz += units;
  }
}

void GruResetBackward(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                      float* __restrict gates, const float* __restrict h_before,
                      const float* __restrict dreset, const float* __restrict dz,
                      float* __restrict dh, float* __restrict room) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < units; ++i) {
      room[i] = dz[i];
      room[units + i] = dreset[i] * h_before[i];
      dh[i] += dreset[i] * gates[units + i];
    }
    Undo(f.gates_backward, gates, room, 2 * units);
    Copy(room, gates, 2 * units);
    gates += 2 * units;
    h_before += units;
    dreset += units;
    dz += units;
    dh += units;
  }
}

}  // namespace

constinit const RecurrenceTable kRecurrence = {
    .lstm_forward = LstmForward,
    .lstm_backward = LstmBackward,
    .gru_after_forward = GruAfterForward,
    .gru_after_backward = GruAfterBackward,
    .gru_reset_forward = GruResetForward,
    .gru_mix_forward = GruMixForward,
    .gru_mix_backward = GruMixBackward,
    .gru_reset_backward = GruResetBackward,
};

}  // namespace gradus::kernels::GRADUS_ISA
