// SPDX-License-Identifier: Apache-2.0
// One tensor behind the other.
#include "engine/kernels/recurrence_memory.h"

namespace gradus::kernels {
namespace {

// Floats behind the last gradient that a kernel may read.
constexpr int64_t kBehind = 16;

}  // namespace

RecurrenceMemory::RecurrenceMemory(const RecurrenceShape& shape, const RecurrenceStep& step,
                                   const Setting& setting)
    : rows_(setting.rows),
      steps_(shape.steps),
      inputs_(shape.inputs),
      units_(shape.units),
      training_(setting.training),
      widths_(step.blocks()) {
  for (const int64_t width : step.more_planes()) widths_.push_back(width);
}

int64_t RecurrenceMemory::kept_floats() const {
  int64_t width = units_;
  for (const int64_t plane : widths_) width += plane;
  return rows_ * steps_ * width + kBehind;
}

size_t RecurrenceMemory::scratch_bytes() const {
  // As PartOf cuts it.
  const int64_t row = steps_ * inputs_ + 3 * units_ + inputs_ + RoomOf(units_);
  return static_cast<size_t>(rows_ * row + (training_ ? 0 : kept_floats())) * sizeof(float);
}

size_t RecurrenceMemory::workspace_bytes() const {
  return training_ ? static_cast<size_t>(kept_floats()) * sizeof(float) : 0;
}

float* RecurrenceMemory::Plane(const Operands& o, int plane) const {
  float* at = Floats(training_ ? o.workspace : o.scratch);
  const size_t end = plane == kStateBefore ? widths_.size() : static_cast<size_t>(plane);
  for (size_t i = 0; i < end; ++i) at += rows_ * steps_ * widths_[i];
  return at;
}

float* RecurrenceMemory::Inputs(const Operands& o) const {
  return Floats(o.scratch) + (training_ ? 0 : kept_floats());
}

RecurrenceMemory::Part RecurrenceMemory::PartOf(const Operands& o, int64_t first) const {
  float* at = Inputs(o);
  const auto take = [&](int64_t width) {
    float* const mine = at + first * width;
    at += rows_ * width;
    return mine;
  };
  Part part{};
  part.x = take(steps_ * inputs_);
  part.dh = take(units_);
  part.dc = take(units_);
  part.last = take(units_);
  part.dx = take(inputs_);
  part.room = take(RoomOf(units_));
  return part;
}

StepData RecurrenceMemory::StepOf(const Operands& o, int64_t first, int64_t rows, int64_t t,
                                  const Part& part) const {
  StepData d{.rows = rows, .first = t == 0};
  const int64_t at = first * steps_ + t * rows;
  for (size_t i = 0; i < widths_.size(); ++i) {
    d.planes[i] = Plane(o, static_cast<int>(i)) + at * widths_[i];
    if (t > 0) d.planes_before[i] = d.planes[i] - rows * widths_[i];
  }
  float* const before = Plane(o, kStateBefore) + at * units_;
  d.h_before = before;
  d.h = t + 1 < steps_ ? before + rows * units_ : part.last;
  d.dh = part.dh;
  d.dc = part.dc;
  d.room = part.room;
  return d;
}

}  // namespace gradus::kernels
