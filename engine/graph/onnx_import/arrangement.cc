// SPDX-License-Identifier: Apache-2.0
// Axes: ONNX's beside those that layers have.
#include "engine/graph/onnx_import/arrangement.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/tensor.h"
#include "engine/layers/extents.h"
#include "engine/layers/kind.h"

namespace gradus::onnx_import {
namespace {

// The layer's axes that count, in the order of `axes`.
std::vector<size_t> OwnAxes(const Rows& rows, std::span<const size_t> axes) {
  std::vector<size_t> own;
  for (const size_t axis : axes)
    if (rows.axes[axis] != kUnit) own.push_back(rows.axes[axis]);
  return own;
}

bool InOrder(const Shape& shape, std::span<const size_t> own) {
  size_t last = 0;
  for (const size_t axis : own) {
    if (shape[axis - 1] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

}  // namespace

int64_t ExtentOf(const Network& network, const Rows& rows, size_t axis) {
  const size_t own = rows.axes[axis];
  if (own == 0) return kBatch;
  return own == kUnit ? 1 : network.shape_of(rows.source)[own - 1];
}

Shape ExtentsOf(const Network& network, const Rows& rows, std::span<const size_t> axes) {
  Shape extents;
  for (const size_t axis : axes) extents.push_back(ExtentOf(network, rows, axis));
  return extents;
}

size_t BatchAxisOf(const Rows& rows) {
  return static_cast<size_t>(std::ranges::find(rows.axes, size_t{0}) - rows.axes.begin());
}

std::vector<size_t> RowAxesOf(const Rows& rows) {
  std::vector<size_t> axes(rows.axes.size());
  std::iota(axes.begin(), axes.end(), 0);
  axes.erase(axes.begin() + static_cast<ptrdiff_t>(BatchAxisOf(rows)));
  return axes;
}

std::vector<size_t> OwnOrderOf(const Rows& rows) {
  std::vector<size_t> axes = RowAxesOf(rows);
  std::ranges::stable_sort(axes, {}, [&](size_t axis) { return rows.axes[axis]; });
  return axes;
}

absl::StatusOr<size_t> AxisOf(int64_t axis, size_t rank) {
  const auto axes = static_cast<int64_t>(rank);
  if (axis >= -axes && axis < axes) return static_cast<size_t>(axis < 0 ? axis + axes : axis);
  return absl::InvalidArgumentError(absl::StrCat("there is no axis ", axis, " of ", rank));
}

absl::StatusOr<std::vector<size_t>> AxesOf(std::span<const int64_t> axes, size_t rank) {
  std::vector<size_t> found;
  for (const int64_t axis : axes) {
    ASSIGN_OR_RETURN(const size_t one, AxisOf(axis, rank));
    if (std::ranges::count(found, one) > 0)
      return absl::InvalidArgumentError(absl::StrCat("axis ", axis, " is there twice"));
    found.push_back(one);
  }
  return found;
}

absl::StatusOr<int> Ordered(Network& network, const Rows& rows, std::span<const size_t> axes) {
  const Shape& shape = network.shape_of(rows.source);
  std::vector<size_t> own = OwnAxes(rows, axes);
  if (InOrder(shape, own)) return rows.source;
  for (size_t axis = 1; axis <= shape.size(); ++axis)
    if (std::ranges::count(own, axis) == 0) own.push_back(axis);
  v1::Layer layer;
  for (const size_t axis : own) layer.mutable_permute()->add_dims(static_cast<int64_t>(axis));
  return network.Add(std::move(layer), {rows.source});
}

absl::StatusOr<int> Reshaped(Network& network, int source, const Shape& shape,
                             absl::string_view name) {
  // What only looks at another layer is passed by.
  while (network.shape_of(source) != shape) {
    const MadeLayer* made = network.Find(source);
    if (made == nullptr || !(made->spec.has_reshape() || made->spec.has_flatten())) break;
    source = made->inputs[0];
  }
  if (network.shape_of(source) == shape) return source;
  v1::Layer layer;
  if (shape.size() == 1 && shape[0] == layers::CountOf(network.shape_of(source))) {
    layer.mutable_flatten();
  } else {
    layer.mutable_reshape()->mutable_target_shape()->Assign(shape.begin(), shape.end());
  }
  return network.Add(std::move(layer), {source}, {}, name);
}

absl::StatusOr<int> Arranged(Network& network, const Rows& rows, std::span<const size_t> axes) {
  ASSIGN_OR_RETURN(const int source, Ordered(network, rows, axes));
  // A row has one axis at least.
  Shape shape = ExtentsOf(network, rows, axes);
  if (shape.empty()) shape.push_back(1);
  return Reshaped(network, source, shape);
}

Rows ViewOf(int source, std::span<const size_t> axes) {
  Rows rows = {.source = source, .axes = std::vector<size_t>(axes.size() + 1, 0)};
  for (size_t i = 0; i < axes.size(); ++i) rows.axes[axes[i]] = i + 1;
  return rows;
}

absl::StatusOr<int> ChannelsLast(Network& network, const Rows& rows) {
  if (rows.axes.size() < 2 || rows.axes[0] != 0)
    return NodeUse::Unknown("the first axis of what it takes is not the batch");
  std::vector<size_t> axes(rows.axes.size() - 1, 1);
  std::iota(axes.begin(), axes.end() - 1, 2);
  return Arranged(network, rows, axes);
}

Rows ChannelsFirst(int source, size_t rank) {
  std::vector<size_t> axes(rank - 1, 1);
  std::iota(axes.begin(), axes.end() - 1, 2);
  return ViewOf(source, axes);
}

absl::StatusOr<Together> Alike(Network& network, std::span<const Rows> rows, size_t along) {
  const Rows& first = rows[0];
  Together together = {.sources = {}, .axes = first.axes};
  bool same = true;
  for (const Rows& each : rows) {
    bool fits = each.axes.size() == first.axes.size();
    for (size_t axis = 0; fits && axis < first.axes.size(); ++axis)
      fits = axis == along ? each.axes[axis] != 0
                           : ExtentOf(network, each, axis) == ExtentOf(network, first, axis);
    if (!fits) return NodeUse::Unknown("its inputs have different shapes");
    same = same && each.axes == first.axes &&
           (along != kUnit || network.shape_of(each.source) == network.shape_of(first.source));
    together.sources.push_back(each.source);
  }
  // To be joined along an axis, layers have to have all of them and no other.
  const auto whole = [&](const Rows& each) {
    return network.shape_of(each.source).size() + 1 == first.axes.size() &&
           std::ranges::count(first.axes, kUnit) == 0;
  };
  if (same && (along == kUnit || std::ranges::all_of(rows, whole))) return together;
  const std::vector<size_t> axes = OwnOrderOf(first);
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(together.sources[i], Arranged(network, rows[i], axes));
  }
  together.axes = ViewOf(0, axes).axes;
  return together;
}

absl::StatusOr<onnx::Constant> Spread(const Network& network, const Rows& rows,
                                      const onnx::Constant& constant) {
  const size_t rank = rows.axes.size();
  if (constant.floats() == nullptr || constant.shape.size() > rank)
    return NodeUse::Unknown("a constant of more axes than the rows");
  onnx::Tensor tensor = {.name = {}, .shape = constant.shape, .values = *constant.floats()};
  tensor.shape.insert(tensor.shape.begin(), rank - constant.shape.size(), 1);
  std::vector<size_t> order;
  Shape shape(network.shape_of(rows.source).size(), 1);
  for (size_t axis = 0; axis < rank; ++axis) {
    const int64_t extent = tensor.shape[axis];
    if (extent != 1 && extent != ExtentOf(network, rows, axis))
      return NodeUse::Unknown("a constant that is not spread over the rows");
    if (rows.axes[axis] != kUnit && rows.axes[axis] != 0) shape[rows.axes[axis] - 1] = extent;
    order.push_back(axis);
  }
  std::ranges::stable_sort(order, {}, [&](size_t axis) { return rows.axes[axis]; });
  return onnx::Constant{std::move(shape), onnx::Permuted(tensor, order).values};
}

}  // namespace gradus::onnx_import
