// SPDX-License-Identifier: Apache-2.0
// One tensor out of several of the same shape, element by element.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {

// A part of the elements of all operands of a merge's backward pass.
class MergePart;

// One way to merge. Constants.
struct Merge {
  const char* name;
  // Adds one more source to the result so far.
  void (*VectorFunctions::*fold)(float* dst, const float* src, size_t count);
  // What was folded is divided by the number of sources.
  bool divides;
  void (*backward)(const MergePart& part);
  bool reads_src;
  bool reads_dst;
};

extern const Merge kSum;
// The first source less all others.
extern const Merge kDifference;
extern const Merge kProduct;
extern const Merge kMean;
// NaN where one source is. The gradient goes to the first source that attains the result.
extern const Merge kLargest;
extern const Merge kSmallest;

// Of two or more sources with rows of `values`; the same may come twice.
std::unique_ptr<const Operation> MakeMerge(const Merge& merge, int64_t values);

}  // namespace gradus::kernels
