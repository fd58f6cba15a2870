// SPDX-License-Identifier: Apache-2.0
// The table of element types.
#include "engine/base/dtype.h"

#include <array>
#include <string>

#include "absl/strings/str_cat.h"

namespace gradus::base {
namespace {

struct Row {
  DType type;
  size_t size;
  std::string_view name;
};

// In the order of the enum.
constexpr std::array<Row, 13> kRows = {{{DType::kF32, 4, "F32"},
                                        {DType::kF64, 8, "F64"},
                                        {DType::kF16, 2, "F16"},
                                        {DType::kBF16, 2, "BF16"},
                                        {DType::kU8, 1, "U8"},
                                        {DType::kI8, 1, "I8"},
                                        {DType::kU16, 2, "U16"},
                                        {DType::kI16, 2, "I16"},
                                        {DType::kU32, 4, "U32"},
                                        {DType::kI32, 4, "I32"},
                                        {DType::kU64, 8, "U64"},
                                        {DType::kI64, 8, "I64"},
                                        {DType::kBool, 1, "BOOL"}}};

constexpr bool InOrder() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].type) != i) return false;
  }
  return true;
}
static_assert(InOrder());

}  // namespace

size_t SizeOf(DType type) { return kRows[static_cast<size_t>(type)].size; }

std::string_view NameOf(DType type) { return kRows[static_cast<size_t>(type)].name; }

absl::StatusOr<DType> ParseDType(std::string_view name) {
  std::string names;
  for (const Row& row : kRows) {
    if (row.name == name) return row.type;
    absl::StrAppend(&names, names.empty() ? "" : ", ", std::string(row.name));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", std::string(name), "\" is not one of ", names));
}

}  // namespace gradus::base
