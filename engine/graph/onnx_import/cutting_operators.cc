// SPDX-License-Identifier: Apache-2.0
// Slices, splits and pads.
#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/cutting.h"
#include "engine/graph/onnx_import/operators.h"

namespace gradus::onnx_import {
namespace {

// What a Slice says of one axis.
struct AxisSlice {
  size_t axis = 0;
  int64_t start = 0;
  int64_t end = 0;
  int64_t step = 1;
};

// As inputs since version 10, as attributes before.
absl::StatusOr<std::vector<int64_t>> ListAt(const NodeUse& use, size_t input, const char* name,
                                            std::vector<int64_t> fallback) {
  if (use.Has(input)) return use.IntegersAt(input);
  return use.Integers(name, std::move(fallback));
}

absl::StatusOr<std::vector<AxisSlice>> SlicesOf(const NodeUse& use, size_t rank) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> starts, ListAt(use, 1, "starts", {}));
  ASSIGN_OR_RETURN(const std::vector<int64_t> ends, ListAt(use, 2, "ends", {}));
  std::vector<int64_t> all(starts.size());
  std::iota(all.begin(), all.end(), 0);
  ASSIGN_OR_RETURN(const std::vector<int64_t> named, ListAt(use, 3, "axes", all));
  ASSIGN_OR_RETURN(const std::vector<int64_t> steps,
                   ListAt(use, 4, "steps", std::vector<int64_t>(starts.size(), 1)));
  if (ends.size() != starts.size() || named.size() != starts.size() ||
      steps.size() != starts.size())
    return absl::InvalidArgumentError("its lists differ in length");
  ASSIGN_OR_RETURN(const std::vector<size_t> axes, AxesOf(named, rank));
  std::vector<AxisSlice> slices;
  for (size_t i = 0; i < axes.size(); ++i)
    slices.push_back({axes[i], starts[i], ends[i], steps[i]});
  return slices;
}

// Counted from the end where it is negative, and brought into [least, most].
int64_t Bound(int64_t index, int64_t extent, int64_t least, int64_t most) {
  return std::clamp(index < 0 ? std::max(index, -extent - 1) + extent : index, least, most);
}

absl::Status Slice(NodeUse& use) {
  ASSIGN_OR_RETURN(Rows rows, use.AnyRowsAt(0));
  ASSIGN_OR_RETURN(const std::vector<AxisSlice> slices, SlicesOf(use, rows.axes.size()));
  std::vector<AxisEdges> edges;
  for (const AxisSlice& slice : slices) {
    const int64_t extent = ExtentOf(use.network(), rows, slice.axis);
    if (extent == kBatch) {
      if (slice.start == 0 && slice.end == std::numeric_limits<int64_t>::max() && slice.step == 1)
        continue;
      return NodeUse::Unknown("a part of the rows of a batch");
    }
    if (slice.step == -1 && Bound(slice.start, extent, -1, extent - 1) == extent - 1 &&
        Bound(slice.end, extent, -1, extent - 1) == -1) {
      const size_t own = rows.axes[slice.axis];
      if (own == kUnit || (rows.flipped != 0 && rows.flipped != own))
        return NodeUse::Unknown("several axes are turned round");
      rows.flipped = rows.flipped == own ? 0 : own;
      continue;
    }
    const int64_t start = Bound(slice.start, extent, 0, extent);
    const int64_t end = Bound(slice.end, extent, 0, extent);
    if (slice.step != 1 || start >= end) return NodeUse::Unknown("steps, or nothing of an axis");
    if (start != 0 || end != extent) edges.push_back({slice.axis, start, extent - end});
  }
  if (edges.empty()) return use.Give(std::move(rows));
  if (edges.size() == 1 && !rows.whole) {
    const AxisEdges& only = edges[0];
    if (only.before + only.after == ExtentOf(use.network(), rows, only.axis) - 1) {
      ASSIGN_OR_RETURN(std::optional<Rows> last, OnlyLastStep(use, rows, only.axis, only.before));
      if (last.has_value()) return use.Give(*std::move(last));
    }
  }
  if (rows.flipped != 0) return NodeUse::Unknown("a part of an axis that is turned round");
  ASSIGN_OR_RETURN(Rows result, WithoutEdges(use, rows, edges));
  result.whole = rows.whole;
  return use.Give(std::move(result));
}

// Of a list.
absl::Status FoldedSlice(NodeUse& use) {
  const onnx::Constant& data = *use.ConstantAt(0);
  ASSIGN_OR_RETURN(const std::vector<AxisSlice> slices, SlicesOf(use, data.shape.size()));
  if (data.shape.size() != 1 || slices.size() != 1 || slices[0].step != 1)
    return NodeUse::Unknown("parts of a constant that is no list");
  const int64_t start = Bound(slices[0].start, data.shape[0], 0, data.shape[0]);
  const int64_t end = std::max(start, Bound(slices[0].end, data.shape[0], 0, data.shape[0]));
  onnx::Constant result = {{end - start}, {}};
  std::visit(
      [&](const auto& values) {
        auto part = values;
        part.assign(values.begin() + start, values.begin() + end);
        result.values = std::move(part);
      },
      data.values);
  return use.Give(std::move(result));
}

absl::Status Split(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  ASSIGN_OR_RETURN(const size_t axis, AxisOf(use.Integer("axis", 0), rows.axes.size()));
  const int64_t extent = ExtentOf(use.network(), rows, axis);
  if (extent == kBatch) return NodeUse::Unknown("a part of the rows of a batch");
  const auto outputs = static_cast<int64_t>(use.node().outputs.size());
  if (outputs < 1 || outputs > extent) return absl::InvalidArgumentError("it has no outputs");
  const int64_t part = (extent + outputs - 1) / outputs;
  std::vector<int64_t> parts(static_cast<size_t>(outputs), part);
  parts.back() = extent - part * (outputs - 1);
  ASSIGN_OR_RETURN(parts, ListAt(use, 1, "split", parts));
  if (static_cast<int64_t>(parts.size()) != outputs)
    return absl::InvalidArgumentError("its parts are not as many as its outputs");
  int64_t begin = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] < 1 || parts[i] > extent - begin)
      return NodeUse::Unknown("parts that are nothing or go beyond the end");
    const AxisEdges edges[] = {{axis, begin, extent - begin - parts[i]}};
    begin += parts[i];
    if (!use.Wanted(i)) continue;
    ASSIGN_OR_RETURN(Rows result, WithoutEdges(use, rows, edges));
    RETURN_IF_ERROR(use.Give(std::move(result), i));
  }
  return absl::OkStatus();
}

// The numbers of zeros before each axis, then those after; below 0 a part is left out.
absl::Status Pad(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  ASSIGN_OR_RETURN(const std::vector<int64_t> pads, ListAt(use, 1, "pads", {}));
  if (use.Text("mode", "constant") != "constant")
    return NodeUse::Unknown("edges that are no zeros");
  if (use.Float("value", 0) != 0 || (use.Has(2) && use.NumberAt(2) != std::optional<float>(0)))
    return NodeUse::Unknown("edges that are no zeros");
  std::vector<int64_t> named(rows.axes.size());
  std::iota(named.begin(), named.end(), 0);
  if (use.Has(3)) {
    ASSIGN_OR_RETURN(named, use.IntegersAt(3));
  }
  ASSIGN_OR_RETURN(const std::vector<size_t> axes, AxesOf(named, rows.axes.size()));
  if (pads.size() != 2 * axes.size())
    return absl::InvalidArgumentError("its pads are not two an axis");
  constexpr int64_t kMost = 1 << 20;
  std::vector<AxisEdges> more;
  std::vector<AxisEdges> less;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t before = pads[i];
    const int64_t after = pads[i + axes.size()];
    if (std::min(before, after) < -kMost || std::max(before, after) > kMost)
      return absl::InvalidArgumentError("its pads are no sizes");
    more.push_back({axes[i], std::max<int64_t>(before, 0), std::max<int64_t>(after, 0)});
    less.push_back({axes[i], std::max<int64_t>(-before, 0), std::max<int64_t>(-after, 0)});
  }
  ASSIGN_OR_RETURN(const Rows cut, WithoutEdges(use, rows, less));
  ASSIGN_OR_RETURN(Rows result, WithEdges(use, cut, more));
  return use.Give(std::move(result));
}

constexpr AttributeRule kSlice[] = {{"starts", AttributeType::kIntegers},
                                    {"ends", AttributeType::kIntegers},
                                    {"axes", AttributeType::kIntegers}};
constexpr AttributeRule kSplit[] = {{"axis", AttributeType::kInteger},
                                    {"split", AttributeType::kIntegers},
                                    {"num_outputs", AttributeType::kInteger}};
constexpr AttributeRule kPad[] = {{"mode", AttributeType::kText},
                                  {"pads", AttributeType::kIntegers},
                                  {"value", AttributeType::kFloat}};

constexpr Operator kOperators[] = {
    {"Slice", Slice, 1, 5, kSlice, AxisOrder::kKept, FoldedSlice, true},
    {"Split", Split, 1, 2, kSplit, AxisOrder::kKept, nullptr, true},
    {"Pad", Pad, 1, 4, kPad, AxisOrder::kKept},
};

}  // namespace

extern const OperatorFamily cutting_operators_kind;
constinit const OperatorFamily cutting_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
