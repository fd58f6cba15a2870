// SPDX-License-Identifier: Apache-2.0
// Checks of a column's description against its bytes, and values taken one by one.
#include "engine/data/column.h"

#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/element.h"

namespace gradus::data {
namespace {

template <typename T>
T Load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

std::optional<int64_t> WholeNumber(double value) {
  // 2^63 is a double, INT64_MAX is not: the upper end stays out.
  if (!(value >= -0x1p63 && value < 0x1p63) || value != std::floor(value)) return std::nullopt;
  return static_cast<int64_t>(value);
}

absl::StatusOr<base::DType> StoredType(const v1::Column& column) {
  if (formats::IsColumnType(column.dtype())) return base::ParseDType(column.dtype());
  return base::InvalidArgument("dtype", absl::StrCat("\"", column.dtype(), "\""),
                               "one of U8, I8, I16, I32, I64, F32, F64");
}

}  // namespace

absl::StatusOr<MappedColumn> MappedColumn::Open(const v1::Column& column, int64_t rows,
                                                std::shared_ptr<const base::MappedFile> file) {
  MappedColumn opened;
  ASSIGN_OR_RETURN(opened.dtype_, StoredType(column));
  if (rows < 0) return base::InvalidArgument("rows", absl::StrCat(rows), "0 or more");
  for (int i = 0; i < column.shape_size(); ++i) {
    const int64_t extent = column.shape(i);
    if (extent < 1 || __builtin_mul_overflow(opened.row_elements_, extent, &opened.row_elements_)) {
      return base::InvalidArgument(absl::StrCat("shape[", i, "]"), absl::StrCat(extent),
                                   "a size that memory can hold");
    }
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(opened.row_elements_,
                             static_cast<int64_t>(base::SizeOf(opened.dtype_)),
                             &opened.row_bytes_) ||
      __builtin_mul_overflow(opened.row_bytes_, rows, &bytes)) {
    return base::InvalidArgument("shape", absl::StrCat(rows, " rows of ", opened.row_elements_),
                                 "a size that memory can hold");
  }
  if (static_cast<uint64_t>(bytes) != file->size()) {
    return absl::DataLossError(absl::StrCat("column \"", column.name(), "\" has ", file->size(),
                                            " bytes, but ", rows, " rows of ", opened.row_elements_,
                                            " ", column.dtype(), " take ", bytes));
  }
  opened.rows_ = rows;
  opened.row_shape_.assign(column.shape().begin(), column.shape().end());
  opened.data_ = file->bytes().data();
  opened.file_ = std::move(file);
  return opened;
}

bool MappedColumn::holds_integers() const {
  return dtype_ != base::DType::kF32 && dtype_ != base::DType::kF64;
}

std::optional<int64_t> MappedColumn::IntegerAt(int64_t row) const {
  if (dtype_ == base::DType::kI64) return Load<int64_t>(Row(row));
  return WholeNumber(ValueAt(row, 0));
}

double MappedColumn::ValueAt(int64_t row, int64_t element) const {
  const std::byte* at = Row(row) + element * static_cast<int64_t>(base::SizeOf(dtype_));
  switch (dtype_) {
    case base::DType::kU8:
      return Load<uint8_t>(at);
    case base::DType::kI8:
      return Load<int8_t>(at);
    case base::DType::kI16:
      return Load<int16_t>(at);
    case base::DType::kI32:
      return Load<int32_t>(at);
    case base::DType::kI64:
      return static_cast<double>(Load<int64_t>(at));
    case base::DType::kF32:
      return Load<float>(at);
    default:
      return Load<double>(at);
  }
}

}  // namespace gradus::data
