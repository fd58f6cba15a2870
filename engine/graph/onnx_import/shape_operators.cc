// SPDX-License-Identifier: Apache-2.0
// The same values under other axes.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/checked.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/tensor.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/both_ways.h"
#include "engine/graph/onnx_import/operators.h"
#include "engine/layers/extents.h"

namespace gradus::onnx_import {
namespace {

absl::Status Mixes() { return NodeUse::Unknown("a shape that mixes rows of a batch"); }

// Of extents, but for the batch's; nothing where they are too many.
absl::StatusOr<int64_t> Product(std::span<const int64_t> extents) {
  int64_t product = 1;
  for (const int64_t extent : extents) {
    if (extent == kBatch) continue;
    ASSIGN_OR_RETURN(product, base::CheckedMul(product, extent));
  }
  return product;
}

// Under the shape `target`, which has the batch once and nothing open.
absl::Status GiveReshaped(NodeUse& use, const Rows& rows, const Shape& target) {
  const auto batch = static_cast<size_t>(std::ranges::find(target, kBatch) - target.begin());
  std::vector<size_t> all(rows.axes.size());
  std::iota(all.begin(), all.end(), 0);
  const Shape found = ExtentsOf(use.network(), rows, all);
  ASSIGN_OR_RETURN(const int64_t before, Product(std::span(target).first(batch)));
  ASSIGN_OR_RETURN(const int64_t found_before, Product(std::span(found).first(BatchAxisOf(rows))));
  ASSIGN_OR_RETURN(const int64_t values, Product(target));
  ASSIGN_OR_RETURN(const int64_t found_values, Product(found));
  if (values != found_values)
    return absl::InvalidArgumentError("its shape is not one of the values of what it takes");
  if (before != found_before) return Mixes();
  std::vector<size_t> axes(target.size());
  std::iota(axes.begin(), axes.end(), 0);
  axes.erase(axes.begin() + static_cast<ptrdiff_t>(batch));
  Shape shape = target;
  shape.erase(shape.begin() + static_cast<ptrdiff_t>(batch));
  if (shape.empty()) shape.push_back(1);
  ASSIGN_OR_RETURN(const int ordered, Ordered(use.network(), rows, RowAxesOf(rows)));
  ASSIGN_OR_RETURN(const int source, Reshaped(use.network(), ordered, shape, use.layer_name()));
  Rows result = ViewOf(source, axes);
  result.alone = source != rows.source || rows.alone;
  result.whole = rows.whole;
  return use.Give(std::move(result));
}

// 0: the extent that is there.
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

// Puts what is left of `values` into the open place.
absl::Status Close(int64_t values, Shape& target) {
  const auto open = std::ranges::find(target, -1);
  if (open == target.end()) return absl::OkStatus();
  *open = 1;
  ASSIGN_OR_RETURN(const int64_t others, Product(target));
  if (others == 0 || values % others != 0)
    return absl::InvalidArgumentError("its shape is not one of the values of what it takes");
  *open = values / others;
  return absl::OkStatus();
}

absl::Status Reshape(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.AnyRowsAt(0));
  if (rows.flipped != 0) return use.RowsAt(0).status();
  ASSIGN_OR_RETURN(Shape target, use.IntegersAt(1));
  std::vector<size_t> all(rows.axes.size());
  std::iota(all.begin(), all.end(), 0);
  RETURN_IF_ERROR(CopyExtents(use, ExtentsOf(use.network(), rows, all), target));
  const int64_t values = layers::CountOf(use.network().shape_of(rows.source));
  const auto open = std::ranges::find(target, -1);
  if (std::ranges::count(target, kBatch) == 0 && !target.empty()) {
    Shape others = target;
    // Written for a batch of that many rows, or with the batch as what is left.
    if (use.batch() > 0 && target[0] == use.batch()) {
      target[0] = kBatch;
    } else if (open != target.end()) {
      others[static_cast<size_t>(open - target.begin())] = 1;
      ASSIGN_OR_RETURN(const int64_t said, Product(others));
      if (said != values) return Mixes();
      *open = kBatch;
    }
  }
  if (std::ranges::count(target, kBatch) != 1) return Mixes();
  RETURN_IF_ERROR(Close(values, target));
  return GiveReshaped(use, rows, target);
}

absl::Status Flatten(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  const auto rank = static_cast<int64_t>(rows.axes.size());
  const int64_t given = use.Integer("axis", 1);
  if (given < -rank || given > rank)
    return absl::InvalidArgumentError(absl::StrCat("there is no axis ", given, " of ", rank));
  const auto axis = static_cast<size_t>(given < 0 ? given + rank : given);
  const int64_t values = layers::CountOf(use.network().shape_of(rows.source));
  // The batch's side has nothing but the batch.
  for (size_t each = 0; each < rows.axes.size(); ++each) {
    const int64_t extent = ExtentOf(use.network(), rows, each);
    if ((each < axis) == (BatchAxisOf(rows) < axis) && extent != kBatch && extent != 1)
      return Mixes();
  }
  return GiveReshaped(use, rows,
                      BatchAxisOf(rows) < axis ? Shape{kBatch, values} : Shape{values, kBatch});
}

// As an input since version 13.
absl::StatusOr<std::vector<int64_t>> NamedAxes(const NodeUse& use) {
  if (use.Has(1)) return use.IntegersAt(1);
  return use.Integers("axes");
}

absl::Status Squeeze(NodeUse& use) {
  ASSIGN_OR_RETURN(Rows rows, use.AnyRowsAt(0));
  ASSIGN_OR_RETURN(const std::vector<int64_t> named, NamedAxes(use));
  ASSIGN_OR_RETURN(std::vector<size_t> axes, AxesOf(named, rows.axes.size()));
  for (size_t axis = 0; named.empty() && axis < rows.axes.size(); ++axis)
    if (ExtentOf(use.network(), rows, axis) == 1) axes.push_back(axis);
  std::ranges::sort(axes, std::greater<>());
  for (const size_t axis : axes) {
    if (ExtentOf(use.network(), rows, axis) != 1)
      return NodeUse::Unknown("an axis goes that is the batch, or not of extent 1");
    rows.axes.erase(rows.axes.begin() + static_cast<ptrdiff_t>(axis));
  }
  return use.Give(std::move(rows));
}

absl::Status Unsqueeze(NodeUse& use) {
  ASSIGN_OR_RETURN(Rows rows, use.AnyRowsAt(0));
  ASSIGN_OR_RETURN(const std::vector<int64_t> named, NamedAxes(use));
  ASSIGN_OR_RETURN(std::vector<size_t> axes, AxesOf(named, rows.axes.size() + named.size()));
  std::ranges::sort(axes);
  for (const size_t axis : axes)
    rows.axes.insert(rows.axes.begin() + static_cast<ptrdiff_t>(axis), kUnit);
  if (rows.axes.size() > kMostRank) return NodeUse::Unknown("so many axes");
  return use.Give(std::move(rows));
}

absl::StatusOr<std::vector<size_t>> OrderOf(const NodeUse& use, size_t rank) {
  std::vector<int64_t> back(rank);
  std::iota(back.rbegin(), back.rend(), 0);
  ASSIGN_OR_RETURN(std::vector<size_t> order, AxesOf(use.Integers("perm", back), rank));
  if (order.size() != rank) return absl::InvalidArgumentError("its perm is no order of all axes");
  return order;
}

absl::Status Transpose(NodeUse& use) {
  ASSIGN_OR_RETURN(Rows rows, use.AnyRowsAt(0));
  ASSIGN_OR_RETURN(const std::vector<size_t> order, OrderOf(use, rows.axes.size()));
  const std::vector<size_t> axes = rows.axes;
  std::ranges::transform(order, rows.axes.begin(), [&](size_t axis) { return axes[axis]; });
  return use.Give(std::move(rows));
}

absl::Status Identity(NodeUse& use) { return use.Pass(0); }

absl::Status Concat(NodeUse& use) {
  std::vector<Rows> rows(use.inputs());
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(rows[i], use.AnyRowsAt(i));
  }
  ASSIGN_OR_RETURN(const size_t axis, AxisOf(use.Integer("axis", 1), rows[0].axes.size()));
  if (rows[0].axes[axis] == 0) return NodeUse::Unknown("rows of several batches");
  if (rows.size() == 1) return use.Pass(0);
  v1::Layer layer;
  layer.mutable_concatenate();
  if (rows[0].axes[axis] == use.network().shape_of(rows[0].source).size()) {
    ASSIGN_OR_RETURN(std::optional<Rows> both, BothWays(use, rows, layer));
    if (both.has_value()) return use.Give(*std::move(both));
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(rows[i], use.RowsAt(i));
  }
  ASSIGN_OR_RETURN(const Together together, Alike(use.network(), rows, axis));
  const size_t own = together.axes[axis];
  if (own < use.network().shape_of(together.sources[0]).size())
    layer.mutable_concatenate()->set_axis(static_cast<int64_t>(own));
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), together.sources));
  return use.Give(Rows{.source = made, .axes = together.axes});
}

// The same for constants.
absl::Status GiveAs(NodeUse& use, Shape shape) {
  onnx::Constant result = *use.ConstantAt(0);
  result.shape = std::move(shape);
  return use.Give(std::move(result));
}

absl::Status FoldedReshape(NodeUse& use) {
  const onnx::Constant& data = *use.ConstantAt(0);
  ASSIGN_OR_RETURN(Shape target, use.IntegersAt(1));
  RETURN_IF_ERROR(CopyExtents(use, data.shape, target));
  const auto count = static_cast<int64_t>(data.size());
  RETURN_IF_ERROR(Close(count, target));
  ASSIGN_OR_RETURN(const int64_t values, Product(target));
  if (values != count || std::ranges::count(target, kBatch) > 0 || target.size() > kMostRank)
    return NodeUse::Unknown("another shape than one of the constant's values");
  return GiveAs(use, std::move(target));
}

absl::Status FoldedSqueeze(NodeUse& use) {
  Shape shape = use.ConstantAt(0)->shape;
  ASSIGN_OR_RETURN(const std::vector<int64_t> named, NamedAxes(use));
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
  ASSIGN_OR_RETURN(const std::vector<int64_t> named, NamedAxes(use));
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

constexpr AttributeRule kAxis[] = {{"axis", AttributeType::kInteger}};
constexpr AttributeRule kAxes[] = {{"axes", AttributeType::kIntegers}};
constexpr AttributeRule kOrder[] = {{"perm", AttributeType::kIntegers}};
constexpr AttributeRule kReshape[] = {{"allowzero", AttributeType::kInteger}};

constexpr size_t kMost = 1000;
constexpr Operator kOperators[] = {
    {"Reshape", Reshape, 2, 2, kReshape, AxisOrder::kCounted, FoldedReshape, true},
    {"Flatten", Flatten, 1, 1, kAxis, AxisOrder::kCounted, nullptr, true},
    {"Squeeze", Squeeze, 1, 2, kAxes, AxisOrder::kCounted, FoldedSqueeze, true},
    {"Unsqueeze", Unsqueeze, 1, 2, kAxes, AxisOrder::kCounted, FoldedUnsqueeze, true},
    {"Transpose", Transpose, 1, 1, kOrder, AxisOrder::kCounted, FoldedTranspose, true},
    {"Identity", Identity, 1, 1, {}, AxisOrder::kKept},
    {"Concat", Concat, 1, kMost, kAxis, AxisOrder::kKept, FoldedConcat},
};

}  // namespace

extern const OperatorFamily shape_operators_kind;
constinit const OperatorFamily shape_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
