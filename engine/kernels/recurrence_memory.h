// SPDX-License-Identifier: Apache-2.0
// Where the tensors of a recurrence lie in its workspace and scratch memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/kernels/operation.h"
#include "engine/kernels/recurrence_step.h"

namespace gradus::kernels {

// What steps leave for backward, in the workspace: planes, then the states before each step. What
// is forgotten, in scratch memory; there, too, what steps leave where there is no backward. Rows
// from `first` on have a part of each tensor to themselves, [steps, rows, width].
//   Threads  immutable: any.
class RecurrenceMemory {
 public:
  RecurrenceMemory(const RecurrenceShape& shape, const RecurrenceStep& step,
                   const Setting& setting);

  size_t scratch_bytes() const;
  size_t workspace_bytes() const;

  // A plane as a whole; kStateBefore: the states.
  float* Plane(const Operands& o, int plane) const;
  // The copied inputs as a whole.
  float* Inputs(const Operands& o) const;

  // Scratch memory of the rows from `first` on.
  struct Part {
    float* x;
    float* dh;
    float* dc;
    // The state after the last step.
    float* last;
    // The gradient of one step's input.
    float* dx;
    float* room;
  };
  Part PartOf(const Operands& o, int64_t first) const;

  // All but the weights.
  StepData StepOf(const Operands& o, int64_t first, int64_t rows, int64_t t,
                  const Part& part) const;

 private:
  int64_t kept_floats() const;

  const int64_t rows_;
  const int64_t steps_;
  const int64_t inputs_;
  const int64_t units_;
  const bool training_;
  // Of the planes.
  std::vector<int64_t> widths_;
};

}  // namespace gradus::kernels
