// SPDX-License-Identifier: Apache-2.0
// Arithmetic on sizes from outside: a result that does not fit is an error, never a small number.
#pragma once

#include <concepts>
#include <limits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace gradus::base {

template <std::integral T>
absl::StatusOr<T> CheckedMul(T a, T b) {
  T result{};
  if (__builtin_mul_overflow(a, b, &result))
    return absl::InvalidArgumentError(absl::StrCat(a, " * ", b, " is too large"));
  return result;
}

template <std::integral T>
absl::StatusOr<T> CheckedAdd(T a, T b) {
  T result{};
  if (__builtin_add_overflow(a, b, &result))
    return absl::InvalidArgumentError(absl::StrCat(a, " + ", b, " is too large"));
  return result;
}

template <std::integral T>
absl::StatusOr<T> CheckedSub(T a, T b) {
  T result{};
  if (__builtin_sub_overflow(a, b, &result))
    return absl::InvalidArgumentError(absl::StrCat(a, " - ", b, " is out of range"));
  return result;
}

// `value` as another integer type.
template <std::integral To, std::integral From>
absl::StatusOr<To> CheckedCast(From value) {
  To result{};
  if (__builtin_add_overflow(value, From{0}, &result))
    return absl::InvalidArgumentError(absl::StrCat(value, " is out of range"));
  return result;
}

// The least multiple of `alignment`, a power of two, that is not below `value`.
template <std::unsigned_integral T>
absl::StatusOr<T> CheckedAlignUp(T value, T alignment) {
  if (value > std::numeric_limits<T>::max() - (alignment - 1))
    return absl::InvalidArgumentError(absl::StrCat(value, " is too large"));
  return static_cast<T>((value + (alignment - 1)) & ~(alignment - 1));
}

}  // namespace gradus::base
