// SPDX-License-Identifier: Apache-2.0
// What nodes say of shapes, and the same values of constants under other ones.
#include "engine/graph/onnx_import/shapes.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/checked.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/tensor.h"
#include "engine/graph/onnx_import/arrangement.h"

namespace gradus::onnx_import {
namespace {

absl::Status GiveAs(NodeUse& use, Shape shape) {
  onnx::Constant result = *use.ConstantAt(0);
  result.shape = std::move(shape);
  return use.Give(std::move(result));
}

}  // namespace

absl::StatusOr<int64_t> ProductOf(std::span<const int64_t> extents) {
  int64_t product = 1;
  for (const int64_t extent : extents) {
    if (extent == kBatch) continue;
    ASSIGN_OR_RETURN(product, base::CheckedMul(product, extent));
  }
  return product;
}

absl::Status CopyExtents(const NodeUse& use, std::span<const int64_t> found, Shape& target) {
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] < -1 && target[i] != kBatch)
      return absl::InvalidArgumentError(absl::StrCat(target[i], " is no extent"));
    if (target[i] != 0) continue;
    if (use.Integer("allowzero", 0) != 0 || i >= found.size())
      return absl::InvalidArgumentError("0 is no extent here");
    target[i] = found[i];
  }
  if (std::ranges::count(target, -1) > 1)
    return absl::InvalidArgumentError("its shape is open in two places");
  return absl::OkStatus();
}

absl::Status CloseShape(int64_t values, Shape& target) {
  const auto open = std::ranges::find(target, -1);
  if (open == target.end()) return absl::OkStatus();
  *open = 1;
  ASSIGN_OR_RETURN(const int64_t others, ProductOf(target));
  if (others == 0 || values % others != 0)
    return absl::InvalidArgumentError("its shape is not one of the values of what it takes");
  *open = values / others;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> NamedAxesOf(const NodeUse& use) {
  if (use.Has(1)) return use.IntegersAt(1);
  return use.Integers("axes");
}

absl::StatusOr<std::vector<size_t>> OrderOf(const NodeUse& use, size_t rank) {
  std::vector<int64_t> back(rank);
  std::iota(back.rbegin(), back.rend(), 0);
  ASSIGN_OR_RETURN(std::vector<size_t> order, AxesOf(use.Integers("perm", back), rank));
  if (order.size() != rank) return absl::InvalidArgumentError("its perm is no order of all axes");
  return order;
}

absl::Status FoldedReshape(NodeUse& use) {
  const onnx::Constant& data = *use.ConstantAt(0);
  ASSIGN_OR_RETURN(Shape target, use.IntegersAt(1));
  RETURN_IF_ERROR(CopyExtents(use, data.shape, target));
  const auto count = static_cast<int64_t>(data.size());
  RETURN_IF_ERROR(CloseShape(count, target));
  ASSIGN_OR_RETURN(const int64_t values, ProductOf(target));
  if (values != count || std::ranges::count(target, kBatch) > 0 || target.size() > kMostRank)
    return NodeUse::Unknown("another shape than one of the constant's values");
  return GiveAs(use, std::move(target));
}

absl::Status FoldedSqueeze(NodeUse& use) {
  Shape shape = use.ConstantAt(0)->shape;
  ASSIGN_OR_RETURN(const std::vector<int64_t> named, NamedAxesOf(use));
  ASSIGN_OR_RETURN(std::vector<size_t> axes, AxesOf(named, shape.size()));
  if (named.empty()) std::erase(shape, 1);
  std::ranges::sort(axes, std::greater<>());
  for (const size_t axis : axes) {
    if (shape[axis] != 1) return absl::InvalidArgumentError("an axis goes that is not of extent 1");
    shape.erase(shape.begin() + static_cast<ptrdiff_t>(axis));
  }
  return GiveAs(use, std::move(shape));
}

absl::Status FoldedUnsqueeze(NodeUse& use) {
  Shape shape = use.ConstantAt(0)->shape;
  ASSIGN_OR_RETURN(const std::vector<int64_t> named, NamedAxesOf(use));
  ASSIGN_OR_RETURN(std::vector<size_t> axes, AxesOf(named, shape.size() + named.size()));
  std::ranges::sort(axes);
  for (const size_t axis : axes) shape.insert(shape.begin() + static_cast<ptrdiff_t>(axis), 1);
  if (shape.size() > kMostRank) return NodeUse::Unknown("so many axes");
  return GiveAs(use, std::move(shape));
}

absl::Status FoldedTranspose(NodeUse& use) {
  ASSIGN_OR_RETURN(const onnx::Constant* data, use.FloatsAt(0));
  ASSIGN_OR_RETURN(const std::vector<size_t> order, OrderOf(use, data->shape.size()));
  onnx::Tensor turned = onnx::Permuted({{}, data->shape, *data->floats()}, order);
  return use.Give(onnx::Constant{std::move(turned.shape), std::move(turned.values)});
}

// Lists of one type.
absl::Status FoldedConcat(NodeUse& use) {
  onnx::Constant result = *use.ConstantAt(0);
  for (size_t i = 0; i < use.inputs(); ++i) {
    const onnx::Constant& each = *use.ConstantAt(i);
    if (each.shape.size() != 1 || each.values.index() != result.values.index())
      return NodeUse::Unknown("constants that are no lists");
    if (i == 0) continue;
    std::visit(
        [&](auto& values) {
          const auto& more = std::get<std::decay_t<decltype(values)>>(each.values);
          values.insert(values.end(), more.begin(), more.end());
        },
        result.values);
  }
  result.shape = {static_cast<int64_t>(result.size())};
  return use.Give(std::move(result));
}

}  // namespace gradus::onnx_import
