// SPDX-License-Identifier: Apache-2.0
// Recurrences over sequences, computed by our own inner product.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/eltwise.h"
#include "engine/kernels/operation.h"

namespace gradus::kernels {

// Weights: the kernel (inputs, columns), the recurrent kernel (units, columns), then the bias if
// there is one.
//   Shapes   src [rows, steps, inputs], dst [rows, steps, units] or [rows, units].
struct RecurrenceShape {
  int64_t steps = 0;
  int64_t inputs = 0;
  int64_t units = 0;
  bool bias = false;
  // The result is what comes out of every step instead of the last one.
  bool sequences = false;
  // From the last step to the first; results of steps in that order.
  bool backwards = false;
  // Null: the identity.
  const Eltwise* activation = nullptr;
  const Eltwise* gates = nullptr;
};

// h = activation(x W + h U + b); units columns.
std::unique_ptr<const Operation> MakePlainRecurrence(const RecurrenceShape& shape);

// Columns of the gates i, f, g, o: c = f c + i g, h = o activation(c).
//   Source   Hochreiter and Schmidhuber 1997; Gers et al. 2000.
std::unique_ptr<const Operation> MakeLstm(const RecurrenceShape& shape);

// Columns of z, r, g: h = z h + (1 - z) g. With `reset_after` r multiplies the recurrent product,
// which then has a bias of its own: (2, columns). Else it multiplies h before the product.
//   Source   Cho et al. 2014, v1 and v3.
std::unique_ptr<const Operation> MakeGru(const RecurrenceShape& shape, bool reset_after);

}  // namespace gradus::kernels
