// SPDX-License-Identifier: Apache-2.0
// What one step of a recurrence computes; what is the same for all recurrences is around it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/kernels/operation.h"
#include "engine/kernels/recurrence.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {

// The state before the step, where a plane is asked for.
inline constexpr int kStateBefore = -1;

// What a step works on: `rows` rows, each tensor [rows, width].
struct StepData {
  int64_t rows = 0;
  bool first = false;
  // Of this step; and what the step before left in the same planes, unless this is the first one.
  std::array<float*, 4> planes = {};
  std::array<const float*, 4> planes_before = {};
  // Zeros in the first step.
  const float* h_before = nullptr;
  float* h = nullptr;
  // The blocks of the recurrent kernel, and the bias of its products if there is one.
  std::array<const float*, 2> recurrent = {};
  const float* recurrent_bias = nullptr;
  // Gradients of the new state, which become those of the state before.
  float* dh = nullptr;
  float* dc = nullptr;
  // RoomOf(units) floats a row.
  float* room = nullptr;
};

inline int64_t RoomOf(int64_t units) { return 9 * units; }

// Facts and functions of one recurrence.
//   Threads  immutable: any.
class RecurrenceStep {
 public:
  virtual ~RecurrenceStep() = default;
  virtual std::string name() const = 0;
  // Columns of the kernels' blocks. There is a plane for each: forward finds the inputs' products
  // with bias there, backward leaves their gradients.
  virtual std::vector<int64_t> blocks() const = 0;
  // Widths of the planes beyond those.
  virtual std::vector<int64_t> more_planes() const { return {}; }
  // Of recurrent block `block`: the plane that was multiplied, and that of the product's gradient.
  virtual int src_plane(size_t block) const {
    static_cast<void>(block);
    return kStateBefore;
  }
  virtual int diff_plane(size_t block) const { return static_cast<int>(block); }
  // The recurrent products have a bias of their own, behind the inputs'.
  virtual bool two_biases() const { return false; }

  virtual void Forward(const RecurrenceFunctions& f, const StepData& d) const = 0;
  virtual void Backward(const RecurrenceFunctions& f, const StepData& d) const = 0;
};

// An operation of steps.
std::unique_ptr<const Operation> MakeRecurrence(const RecurrenceShape& shape,
                                                std::shared_ptr<const RecurrenceStep> step);

// sum += src * kernel, by way of `room`: rows * columns floats.
void AddProduct(int64_t rows, int64_t units, int64_t columns, const float* src, const float* kernel,
                float* sum, float* room);
// diff_src += diff * kernel^T, by way of `room`: rows * units floats.
void AddProductBackward(int64_t rows, int64_t units, int64_t columns, const float* diff,
                        const float* kernel, float* diff_src, float* room);

}  // namespace gradus::kernels
