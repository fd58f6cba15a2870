// SPDX-License-Identifier: Apache-2.0
// Functions of each element, whose gradient follows from their result.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {

// One such function. Constants; compared by address.
struct Eltwise {
  const char* name;
  // oneDNN's number for it as a post-operation.
  int onednn_algorithm;
  UnaryFunction VectorFunctions::*forward;
  UnaryBackwardFunction VectorFunctions::*backward;
};

extern const Eltwise kRelu;
extern const Eltwise kSigmoid;
extern const Eltwise kTanh;

// On rows of `values`; can be absorbed by an inner product.
std::unique_ptr<const Operation> MakeEltwise(const Eltwise& function, int64_t values);
// The function of such an operation, or null.
const Eltwise* EltwiseOf(const Operation& operation);

// The kernel that turns the gradient of the result into that of the argument, in place; for
// operations that have absorbed the function.
std::unique_ptr<Kernel> MakeEltwiseBackward(const Eltwise& function, int64_t count, int threads,
                                            Cell y, Cell diff);

}  // namespace gradus::kernels
