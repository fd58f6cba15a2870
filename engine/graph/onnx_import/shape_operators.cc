// SPDX-License-Identifier: Apache-2.0
// The same values under other axes.
#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/both_ways.h"
#include "engine/graph/onnx_import/operators.h"
#include "engine/graph/onnx_import/shapes.h"
#include "engine/layers/extents.h"

namespace gradus::onnx_import {
namespace {

absl::Status Mixes() { return NodeUse::Unknown("a shape that mixes rows of a batch"); }

// Under the shape `target`, which has the batch once and nothing open.
absl::Status GiveReshaped(NodeUse& use, const Rows& rows, const Shape& target) {
  const auto batch = static_cast<size_t>(std::ranges::find(target, kBatch) - target.begin());
  std::vector<size_t> all(rows.axes.size());
  std::iota(all.begin(), all.end(), 0);
  const Shape found = ExtentsOf(use.network(), rows, all);
  ASSIGN_OR_RETURN(const int64_t before, ProductOf(std::span(target).first(batch)));
  ASSIGN_OR_RETURN(const int64_t found_before,
                   ProductOf(std::span(found).first(BatchAxisOf(rows))));
  ASSIGN_OR_RETURN(const int64_t values, ProductOf(target));
  ASSIGN_OR_RETURN(const int64_t found_values, ProductOf(found));
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
      ASSIGN_OR_RETURN(const int64_t said, ProductOf(others));
      if (said != values) return Mixes();
      *open = kBatch;
    }
  }
  if (std::ranges::count(target, kBatch) != 1) return Mixes();
  RETURN_IF_ERROR(CloseShape(values, target));
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

absl::Status Squeeze(NodeUse& use) {
  ASSIGN_OR_RETURN(Rows rows, use.AnyRowsAt(0));
  ASSIGN_OR_RETURN(const std::vector<int64_t> named, NamedAxesOf(use));
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
  ASSIGN_OR_RETURN(const std::vector<int64_t> named, NamedAxesOf(use));
  ASSIGN_OR_RETURN(std::vector<size_t> axes, AxesOf(named, rows.axes.size() + named.size()));
  std::ranges::sort(axes);
  for (const size_t axis : axes)
    rows.axes.insert(rows.axes.begin() + static_cast<ptrdiff_t>(axis), kUnit);
  if (rows.axes.size() > kMostRank) return NodeUse::Unknown("so many axes");
  return use.Give(std::move(rows));
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
