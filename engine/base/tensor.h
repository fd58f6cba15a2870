// SPDX-License-Identifier: Apache-2.0
// Views of elements in memory that somebody else owns.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "engine/base/dtype.h"
#include "engine/base/shape.h"

namespace gradus::base {

// The element type that a C++ type stands for; bf16 and f16 are handled as their 16 bits.
template <typename T>
inline constexpr bool kHoldsDType = false;
template <>
inline constexpr bool kHoldsDType<float> = true;
template <>
inline constexpr bool kHoldsDType<double> = true;
template <>
inline constexpr bool kHoldsDType<uint8_t> = true;
template <>
inline constexpr bool kHoldsDType<int8_t> = true;
template <>
inline constexpr bool kHoldsDType<uint16_t> = true;
template <>
inline constexpr bool kHoldsDType<int16_t> = true;
template <>
inline constexpr bool kHoldsDType<uint32_t> = true;
template <>
inline constexpr bool kHoldsDType<int32_t> = true;
template <>
inline constexpr bool kHoldsDType<uint64_t> = true;
template <>
inline constexpr bool kHoldsDType<int64_t> = true;

// A typed pointer with extents and strides; passed by value.
//   Shapes   strides count elements, one an axis; Contiguous() when they are row-major.
//   Owns     nothing: the memory must outlive the view.
//   Threads  a value; who writes the elements is the owner's matter.
template <typename Byte>
class BasicTensorView {
 public:
  BasicTensorView() = default;
  // Row-major.
  BasicTensorView(Byte* data, DType type, Shape shape)
      : data_(data), type_(type), shape_(std::move(shape)), strides_(shape_.RowMajorStrides()) {}
  // REQUIRES: as many strides as extents.
  BasicTensorView(Byte* data, DType type, Shape shape, Shape::Dims strides)
      : data_(data), type_(type), shape_(std::move(shape)), strides_(std::move(strides)) {}

  Byte* data() const { return data_; }
  DType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  std::span<const int64_t> strides() const { return {strides_.data(), strides_.size()}; }
  int64_t elements() const { return shape_.elements(); }
  size_t bytes() const { return static_cast<size_t>(shape_.elements()) * SizeOf(type_); }
  bool Contiguous() const { return strides_ == shape_.RowMajorStrides(); }

  // All elements as T. REQUIRES: Contiguous(), and T has the element type's size.
  template <typename T>
  auto As() const {
    static_assert(kHoldsDType<T>);
    using Element = std::conditional_t<std::is_const_v<Byte>, const T, T>;
    return std::span<Element>(reinterpret_cast<Element*>(data_), static_cast<size_t>(elements()));
  }

  operator BasicTensorView<const Byte>() const { return {data_, type_, shape_, strides_}; }

 private:
  Byte* data_ = nullptr;
  DType type_ = DType::kF32;
  Shape shape_;
  Shape::Dims strides_;
};

using TensorView = BasicTensorView<std::byte>;
using ConstTensorView = BasicTensorView<const std::byte>;

}  // namespace gradus::base
