// SPDX-License-Identifier: Apache-2.0
// Pools over windows, and over all positions.
#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/operators.h"
#include "engine/graph/onnx_import/windows.h"
#include "engine/layers/kind.h"

namespace gradus::onnx_import {
namespace {

enum class Pool { kMax, kMean };

v1::Layer PoolLayer(Pool pool, std::span<const AxisWindows> axes, v1::Padding padding) {
  v1::Layer layer;
  if (axes.size() == 1) {
    v1::Pooling1d& spec =
        *(pool == Pool::kMax ? layer.mutable_max_pooling1d() : layer.mutable_average_pooling1d());
    spec.set_pool_size(axes[0].window.size);
    spec.set_strides(axes[0].window.stride);
    if (padding != v1::VALID) spec.set_padding(padding);
    return layer;
  }
  v1::Pooling2d& spec =
      *(pool == Pool::kMax ? layer.mutable_max_pooling2d() : layer.mutable_average_pooling2d());
  for (const AxisWindows& axis : axes) {
    spec.add_pool_size(axis.window.size);
    spec.add_strides(axis.window.stride);
  }
  if (padding != v1::VALID) spec.set_padding(padding);
  return layer;
}

// Whether zeros beside them are never the largest: what a relu gives.
bool IsNeverNegative(const Network& network, int source) {
  const MadeLayer* made = network.Find(source);
  if (made == nullptr) return false;
  const layers::LayerKind& kind = *layers::Find(made->spec);
  if (kind.activation == nullptr) return false;
  const v1::Activation& activation = kind.activation(made->spec);
  return activation.has_relu() && activation.relu().negative_slope() == 0;
}

// The largest of each window with a stride of 1, then every stride-th of these. Nothing where the
// windows do not begin where those of SAME do.
absl::StatusOr<std::optional<int>> LargestThenPicked(NodeUse& use, int source,
                                                     std::vector<AxisWindows> axes) {
  std::vector<AxisWindows> picks = axes;
  for (size_t i = 0; i < axes.size(); ++i) {
    axes[i].window.stride = 1;
    axes[i].count = axes[i].extent;
    picks[i].window.size = 1;
    picks[i].before = 0;
  }
  const v1::Padding same[] = {v1::SAME};
  const v1::Padding valid[] = {v1::VALID};
  if (!PaddingOf(axes, same).has_value() || !PaddingOf(picks, valid).has_value())
    return std::nullopt;
  ASSIGN_OR_RETURN(const int largest,
                   use.network().Add(PoolLayer(Pool::kMax, axes, v1::SAME), {source}));
  ASSIGN_OR_RETURN(const int picked, use.Add(PoolLayer(Pool::kMax, picks, v1::VALID), {largest}));
  return picked;
}

// A pool whose edges neither word says.
absl::StatusOr<int> PooledWithEdges(NodeUse& use, Pool pool, int source,
                                    const std::vector<AxisWindows>& axes) {
  const bool beyond = std::ranges::any_of(axes, [](const AxisWindows& axis) {
    return (axis.count - 1) * axis.window.stride + axis.reach() >
           axis.extent + axis.before + axis.after;
  });
  if (pool == Pool::kMax && !IsNeverNegative(use.network(), source)) {
    ASSIGN_OR_RETURN(const std::optional<int> made, LargestThenPicked(use, source, axes));
    if (made.has_value()) return *made;
    return NodeUse::Unknown("edges that do not count, where no padding of a pool has them");
  }
  if (pool == Pool::kMean && (use.Integer("count_include_pad", 0) == 0 || beyond))
    return NodeUse::Unknown("edges that do not count, where no padding of a pool has them");
  std::array<int64_t, 4> edges = EdgesOf(axes);
  for (size_t i = 0; i < axes.size(); ++i) {
    const AxisWindows& axis = axes[i];
    // Rounded up, the last window goes further.
    edges[2 * i + 1] = std::max(axis.after, (axis.count - 1) * axis.window.stride + axis.reach() -
                                                axis.extent - axis.before);
  }
  ASSIGN_OR_RETURN(const int larger, Padded(use.network(), source, edges));
  return use.Add(PoolLayer(pool, axes, v1::VALID), {larger});
}

template <Pool kPool>
absl::Status Pooled(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  const size_t rank = rows.axes.size();
  if (rank != 3 && rank != 4)
    return NodeUse::Unknown("windows along one axis or two are known, not along others");
  ASSIGN_OR_RETURN(const int source, ChannelsLast(use.network(), rows));
  const Shape& shape = use.network().shape_of(source);
  ASSIGN_OR_RETURN(const std::vector<AxisWindows> axes,
                   WindowsOf(use, {shape.begin(), shape.end() - 1}, use.Integers("kernel_shape")));
  for (const AxisWindows& axis : axes)
    if (axis.window.dilation != 1) return NodeUse::Unknown("windows of a pool with gaps");
  const v1::Padding words[] = {v1::VALID, v1::SAME};
  const bool edges = std::ranges::any_of(
      axes, [](const AxisWindows& axis) { return axis.before + axis.after > 0; });
  // Ours do not count edges.
  const bool counted = kPool == Pool::kMean && edges && use.Integer("count_include_pad", 0) != 0;
  const std::optional<v1::Padding> padding = counted ? std::nullopt : PaddingOf(axes, words);
  ASSIGN_OR_RETURN(const int made, padding.has_value()
                                       ? use.Add(PoolLayer(kPool, axes, *padding), {source})
                                       : PooledWithEdges(use, kPool, source, axes));
  return use.Give(ChannelsFirst(made, rank));
}

// Over `axes` of ONNX's, which stay as extents of 1 or go.
absl::Status Reduced(NodeUse& use, const Rows& rows, Pool pool, std::span<const size_t> axes,
                     bool keep) {
  if (std::ranges::count(axes, BatchAxisOf(rows)) > 0)
    return NodeUse::Unknown("what it makes of all rows of a batch together");
  const auto reduced = [&](size_t axis) { return std::ranges::count(axes, axis) > 0; };
  std::vector<size_t> kept = OwnOrderOf(rows);
  std::erase_if(kept, reduced);
  std::vector<size_t> order(axes.begin(), axes.end());
  std::ranges::stable_sort(order, {}, [&](size_t axis) { return rows.axes[axis]; });
  const Shape gone = ExtentsOf(use.network(), rows, order);
  const Shape left = ExtentsOf(use.network(), rows, kept);
  order.insert(order.end(), kept.begin(), kept.end());
  const auto product = [](const Shape& shape) {
    return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  };
  // An image where it is one, else a sequence.
  const bool image = gone.size() == 2 && left.size() == 1;
  ASSIGN_OR_RETURN(const int ordered, Ordered(use.network(), rows, order));
  ASSIGN_OR_RETURN(const int source, Reshaped(use.network(), ordered,
                                              image ? Shape{gone[0], gone[1], left[0]}
                                                    : Shape{product(gone), product(left)}));
  v1::Layer layer;
  if (pool == Pool::kMax) {
    image ? layer.mutable_global_max_pooling2d() : layer.mutable_global_max_pooling1d();
  } else {
    image ? layer.mutable_global_average_pooling2d() : layer.mutable_global_average_pooling1d();
  }
  ASSIGN_OR_RETURN(int made, use.Add(std::move(layer), {source}));
  if (!left.empty()) {
    ASSIGN_OR_RETURN(made, Reshaped(use.network(), made, left));
  }
  Rows result = {.source = made};
  for (size_t axis = 0; axis < rows.axes.size(); ++axis) {
    const auto at = std::ranges::find(kept, axis) - kept.begin();
    if (rows.axes[axis] == 0) {
      result.axes.push_back(0);
    } else if (!reduced(axis)) {
      result.axes.push_back(static_cast<size_t>(at) + 1);
    } else if (keep) {
      result.axes.push_back(kUnit);
    }
  }
  return use.Give(std::move(result));
}

template <Pool kPool>
absl::Status GlobalPool(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  if (rows.axes.size() < 3) return absl::InvalidArgumentError("it takes no positions");
  std::vector<size_t> axes(rows.axes.size() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return Reduced(use, rows, kPool, axes, true);
}

template <Pool kPool>
absl::Status Reduce(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  std::vector<int64_t> axes = use.Integers("axes");
  if (use.Has(1)) {
    ASSIGN_OR_RETURN(axes, use.IntegersAt(1));
  }
  if (axes.empty()) {
    if (use.Integer("noop_with_empty_axes", 0) != 0) return use.Pass(0);
    return NodeUse::Unknown("what it makes of all rows of a batch together");
  }
  ASSIGN_OR_RETURN(const std::vector<size_t> found, AxesOf(axes, rows.axes.size()));
  return Reduced(use, rows, kPool, found, use.Integer("keepdims", 1) != 0);
}

constexpr AttributeRule kWindows[] = {
    {"auto_pad", AttributeType::kText},         {"ceil_mode", AttributeType::kInteger},
    {"kernel_shape", AttributeType::kIntegers}, {"pads", AttributeType::kIntegers},
    {"strides", AttributeType::kIntegers},      {"count_include_pad", AttributeType::kInteger},
    {"dilations", AttributeType::kIntegers},    {"storage_order", AttributeType::kInteger}};
constexpr AttributeRule kReduce[] = {{"axes", AttributeType::kIntegers},
                                     {"keepdims", AttributeType::kInteger},
                                     {"noop_with_empty_axes", AttributeType::kInteger}};

constexpr Operator kOperators[] = {
    {"MaxPool", Pooled<Pool::kMax>, 1, 1, kWindows, AxisOrder::kChannelsFirst},
    {"AveragePool", Pooled<Pool::kMean>, 1, 1, kWindows, AxisOrder::kChannelsFirst},
    {"GlobalMaxPool", GlobalPool<Pool::kMax>, 1, 1, {}, AxisOrder::kChannelsFirst},
    {"GlobalAveragePool", GlobalPool<Pool::kMean>, 1, 1, {}, AxisOrder::kChannelsFirst},
    {"ReduceMax", Reduce<Pool::kMax>, 1, 2, kReduce},
    {"ReduceMean", Reduce<Pool::kMean>, 1, 2, kReduce},
};

}  // namespace

extern const OperatorFamily pooling_operators_kind;
constinit const OperatorFamily pooling_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
