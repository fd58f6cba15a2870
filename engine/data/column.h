// SPDX-License-Identifier: Apache-2.0
// One stored array of a split, mapped and never copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/dtype.h"
#include "engine/base/mapped_file.h"
#include "gradus/v1/data.pb.h"

namespace gradus::data {

// Rows of a column as they lie in the blob: values keep their stored type until a batch is
// gathered.
//   Shapes   rows() rows of row_elements() values each, in C order.
//   Owns     a share of the mapping.
//   Threads  any; immutable.
class MappedColumn {
 public:
  // INVALID_ARGUMENT for an unknown type or a shape whose product overflows; DATA_LOSS when the
  // bytes are not as many as `rows` rows of it take.
  static absl::StatusOr<MappedColumn> Open(const v1::Column& column, int64_t rows,
                                           std::shared_ptr<const base::MappedFile> file);

  base::DType dtype() const { return dtype_; }
  bool holds_integers() const;
  int64_t rows() const { return rows_; }
  int64_t row_elements() const { return row_elements_; }
  const std::vector<int64_t>& row_shape() const { return row_shape_; }

  // REQUIRES: 0 <= row < rows().
  const std::byte* Row(int64_t row) const { return data_ + row * row_bytes_; }

  // The first value of a row as a whole number; nothing where it is none (a fraction, NaN, beyond
  // int64).
  std::optional<int64_t> IntegerAt(int64_t row) const;
  // The value at `element` of a row. Exact but for integers beyond 2^53.
  double ValueAt(int64_t row, int64_t element) const;

 private:
  MappedColumn() = default;

  base::DType dtype_ = base::DType::kU8;
  int64_t rows_ = 0;
  int64_t row_elements_ = 1;
  int64_t row_bytes_ = 1;
  std::vector<int64_t> row_shape_;
  std::shared_ptr<const base::MappedFile> file_;
  const std::byte* data_ = nullptr;
};

}  // namespace gradus::data
