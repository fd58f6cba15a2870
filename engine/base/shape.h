// SPDX-License-Identifier: Apache-2.0
// The extents of a tensor, with a number of elements that is known to fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"

namespace gradus::base {

// Extents, outermost first. Without extents it is a scalar, of one element.
//   Owns     its extents; up to six lie in the object.
//   Threads  a value.
class Shape {
 public:
  using Dims = absl::InlinedVector<int64_t, 6>;
  static constexpr size_t kMaxRank = 12;

  Shape() = default;
  // For extents that are known to be good: ends the process where Create would refuse.
  Shape(std::initializer_list<int64_t> dims);

  // INVALID_ARGUMENT for an extent below 0, more than kMaxRank extents, or a number of elements
  // beyond int64 (a zero among them does not hide it).
  static absl::StatusOr<Shape> Create(std::span<const int64_t> dims);

  size_t rank() const { return dims_.size(); }
  int64_t dim(size_t i) const { return dims_[i]; }
  std::span<const int64_t> dims() const { return {dims_.data(), dims_.size()}; }
  int64_t elements() const { return elements_; }

  // elements() * element_size, checked.
  absl::StatusOr<size_t> Bytes(size_t element_size) const;
  // This shape with one more extent in front, as a batch of it has.
  absl::StatusOr<Shape> WithLeading(int64_t extent) const;
  // Distances in elements between neighbours along each axis, where the last axis is contiguous.
  Dims RowMajorStrides() const;
  // As Python prints a tuple: "(28, 28)", "(100,)", "()".
  std::string ToString() const;

  friend bool operator==(const Shape& a, const Shape& b) { return a.dims_ == b.dims_; }

 private:
  Dims dims_;
  int64_t elements_ = 1;
};

}  // namespace gradus::base
