// SPDX-License-Identifier: Apache-2.0
// Checked extents.
#include "engine/base/shape.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/checked.h"
#include "engine/base/status.h"

namespace gradus::base {

Shape::Shape(std::initializer_list<int64_t> dims) {
  absl::StatusOr<Shape> shape = Create(std::span<const int64_t>(dims.begin(), dims.size()));
  if (!shape.ok()) {
    std::fprintf(stderr, "Shape: %s\n", std::string(shape.status().message()).c_str());
    std::abort();
  }
  *this = *std::move(shape);
}

absl::StatusOr<Shape> Shape::Create(std::span<const int64_t> dims) {
  if (dims.size() > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat(dims.size(), " is not a number of dimensions up to ", kMaxRank));
  }
  int64_t product = 1;
  bool empty = false;
  for (const int64_t dim : dims) {
    if (dim < 0)
      return absl::InvalidArgumentError(absl::StrCat(dim, " is not an extent of 0 or more"));
    empty = empty || dim == 0;
    ASSIGN_OR_RETURN(product, CheckedMul(product, std::max<int64_t>(dim, 1)));
  }
  Shape shape;
  shape.dims_.assign(dims.begin(), dims.end());
  shape.elements_ = empty ? 0 : product;
  return shape;
}

absl::StatusOr<size_t> Shape::Bytes(size_t element_size) const {
  return CheckedMul(static_cast<size_t>(elements_), element_size);
}

absl::StatusOr<Shape> Shape::WithLeading(int64_t extent) const {
  std::vector<int64_t> dims = {extent};
  dims.insert(dims.end(), dims_.begin(), dims_.end());
  return Create(dims);
}

Shape::Dims Shape::RowMajorStrides() const {
  Dims strides(dims_.size(), 1);
  for (size_t i = dims_.size(); i > 1; --i)
    strides[i - 2] = strides[i - 1] * std::max<int64_t>(dims_[i - 1], 1);
  return strides;
}

std::string Shape::ToString() const {
  return absl::StrCat("(", absl::StrJoin(dims_, ", "), dims_.size() == 1 ? ",)" : ")");
}

}  // namespace gradus::base
