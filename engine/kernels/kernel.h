// SPDX-License-Identifier: Apache-2.0
// One call in a plan: work whose shapes and operands are fixed, so that running it decides nothing.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace gradus::kernels {

// Where a pointer to an operand is kept. A kernel reads the cell each time it runs, so that a
// batch's rows can be used where they lie; what it points to has the shape that the kernel was made
// for and is 4-byte aligned.
using Cell = void* const*;

inline float* Floats(Cell cell) { return static_cast<float*>(*cell); }

// A call, ready to run.
//   Owns     what it needs beside its operands.
//   Threads  one at a time; different kernels at the same time.
//   Errors   a primitive that refuses at run time: INTERNAL. Our own kernels cannot fail.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual absl::Status Run() = 0;
  // For plan dumps: "inner_product_forward vector:avx2 16x784x100 +relu".
  virtual std::string Describe() const = 0;
};

}  // namespace gradus::kernels
