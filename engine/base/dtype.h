// SPDX-License-Identifier: Apache-2.0
// The types that an element of a tensor may have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace gradus::base {

enum class DType : uint8_t {
  kF32,
  kF64,
  kF16,
  kBF16,
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kU64,
  kI64,
  kBool
};

// Bytes an element.
size_t SizeOf(DType type);

// As safetensors spells it: "F32", "BF16", "U8", "BOOL", ...
std::string_view NameOf(DType type);

// INVALID_ARGUMENT, listing the names, for any other.
absl::StatusOr<DType> ParseDType(std::string_view name);

}  // namespace gradus::base
