// SPDX-License-Identifier: Apache-2.0
// Parts of rows, and rows with more around them.
#include "engine/graph/onnx_import/cutting.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"

namespace gradus::onnx_import {
namespace {

// Top, bottom, left and right of an image.
using ImageEdges = std::array<int64_t, 4>;

absl::StatusOr<int> BorderedImage(NodeUse& use, int image, const ImageEdges& edges, bool crop) {
  v1::Layer layer;
  if (crop) {
    layer.mutable_cropping2d()->mutable_cropping()->Assign(edges.begin(), edges.end());
  } else {
    layer.mutable_zero_padding2d()->mutable_padding()->Assign(edges.begin(), edges.end());
  }
  return use.Add(std::move(layer), {image});
}

// Any axis is the width of an image, with what is before it as height and the rest as channels.
absl::StatusOr<int> BorderedAlong(NodeUse& use, int source, size_t own, const AxisEdges& edges,
                                  bool crop) {
  Shape shape = use.network().shape_of(source);
  const auto product = [](auto begin, auto end) {
    return std::accumulate(begin, end, int64_t{1}, std::multiplies<>());
  };
  const auto at = shape.begin() + static_cast<ptrdiff_t>(own) - 1;
  const Shape image = {product(shape.begin(), at), *at, product(at + 1, shape.end())};
  ASSIGN_OR_RETURN(const int flat, Reshaped(use.network(), source, image));
  ASSIGN_OR_RETURN(const int made,
                   BorderedImage(use, flat, {0, 0, edges.before, edges.after}, crop));
  *at = use.network().shape_of(made)[1];
  return Reshaped(use.network(), made, shape);
}

absl::StatusOr<Rows> Bordered(NodeUse& use, Rows rows, std::span<const AxisEdges> all, bool crop) {
  std::vector<AxisEdges> edges(all.begin(), all.end());
  std::erase_if(edges, [](const AxisEdges& each) { return each.before == 0 && each.after == 0; });
  if (edges.empty()) return rows;
  const auto any = [&](size_t own) {
    return std::ranges::any_of(edges,
                               [&](const AxisEdges& each) { return rows.axes[each.axis] == own; });
  };
  if (any(0)) return NodeUse::Unknown("a part of the rows of a batch");
  // Each is to be an axis of the layer.
  if (any(kUnit)) {
    const std::vector<size_t> axes = RowAxesOf(rows);
    ASSIGN_OR_RETURN(const int source, Arranged(use.network(), rows, axes));
    rows = ViewOf(source, axes);
  }
  // Height and width of an image at once.
  const bool image = use.network().shape_of(rows.source).size() == 3;
  ImageEdges of_image{};
  int source = rows.source;
  for (const AxisEdges& each : edges) {
    const size_t own = rows.axes[each.axis];
    if (image && own < 3) {
      of_image[2 * own - 2] = each.before;
      of_image[2 * own - 1] = each.after;
    } else {
      ASSIGN_OR_RETURN(source, BorderedAlong(use, source, own, each, crop));
    }
  }
  if (std::ranges::count(of_image, 0) < 4) {
    ASSIGN_OR_RETURN(source, BorderedImage(use, source, of_image, crop));
  }
  return Rows{.source = source, .axes = rows.axes};
}

}  // namespace

absl::StatusOr<Rows> WithoutEdges(NodeUse& use, const Rows& rows,
                                  std::span<const AxisEdges> edges) {
  return Bordered(use, rows, edges, true);
}

absl::StatusOr<Rows> WithEdges(NodeUse& use, const Rows& rows, std::span<const AxisEdges> edges) {
  return Bordered(use, rows, edges, false);
}

absl::StatusOr<std::optional<Rows>> OnlyLastStep(NodeUse& use, const Rows& rows, size_t axis,
                                                 int64_t index) {
  if (!use.network().MayChange(rows) || rows.axes[axis] != 1) return std::nullopt;
  const int64_t last = rows.flipped == 1 ? 0 : ExtentOf(use.network(), rows, axis) - 1;
  v1::Layer spec = use.network().layer(rows.source).spec;
  google::protobuf::Message& settings = MutableSettingsOf(spec);
  const auto* field = settings.GetDescriptor()->FindFieldByName("return_sequences");
  if (index != last || field == nullptr || !settings.GetReflection()->GetBool(settings, field))
    return std::nullopt;
  settings.GetReflection()->ClearField(&settings, field);
  std::vector<GivenWeight> weights = use.network().layer(rows.source).weights;
  RETURN_IF_ERROR(use.network().Change(rows.source, std::move(spec), std::move(weights)));
  Rows result = {.source = rows.source, .axes = rows.axes};
  for (size_t& own : result.axes)
    if (own == 2) own = 1;
  result.axes[axis] = kUnit;
  return result;
}

absl::Status Pick(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.AnyRowsAt(0));
  ASSIGN_OR_RETURN(std::vector<int64_t> indices, use.IntegersAt(1));
  const size_t axes = use.ConstantAt(1)->shape.size();
  ASSIGN_OR_RETURN(const size_t axis, AxisOf(use.Integer("axis", 0), rows.axes.size()));
  const int64_t extent = ExtentOf(use.network(), rows, axis);
  if (extent == kBatch) return NodeUse::Unknown("a part of the rows of a batch");
  for (int64_t& index : indices) {
    if (index < -extent || index >= extent)
      return absl::InvalidArgumentError(absl::StrCat("there is no index ", index, " of ", extent));
    if (index < 0) index += extent;
  }
  const bool follow = std::ranges::adjacent_find(indices, [](int64_t a, int64_t b) {
                        return b != a + 1;
                      }) == indices.end();
  if (axes > 1 || indices.empty() || !follow)
    return NodeUse::Unknown("indices that do not follow each other");
  Rows result;
  absl::StatusOr<std::optional<Rows>> last;
  if (indices.size() == 1) last = OnlyLastStep(use, rows, axis, indices[0]);
  RETURN_IF_ERROR(last.status());
  if (last->has_value()) {
    result = **std::move(last);
  } else {
    ASSIGN_OR_RETURN(const Rows counted, use.RowsAt(0));
    const AxisEdges edges[] = {{axis, indices.front(), extent - 1 - indices.back()}};
    ASSIGN_OR_RETURN(result, WithoutEdges(use, counted, edges));
  }
  if (axes == 0) result.axes.erase(result.axes.begin() + static_cast<ptrdiff_t>(axis));
  return use.Give(std::move(result));
}

absl::Status FoldedPick(NodeUse& use) {
  const onnx::Constant& data = *use.ConstantAt(0);
  ASSIGN_OR_RETURN(const std::vector<int64_t> indices, use.IntegersAt(1));
  if (data.shape.size() != 1 || use.Integer("axis", 0) > 0)
    return NodeUse::Unknown("parts of a constant that is no list");
  onnx::Constant result = {use.ConstantAt(1)->shape, {}};
  const auto count = static_cast<int64_t>(data.size());
  for (const int64_t index : indices)
    if (index < -count || index >= count)
      return absl::InvalidArgumentError(absl::StrCat("there is no index ", index, " of ", count));
  std::visit(
      [&](const auto& values) {
        auto picked = values;
        picked.clear();
        for (const int64_t index : indices)
          picked.push_back(values[static_cast<size_t>(index < 0 ? index + count : index)]);
        result.values = std::move(picked);
      },
      data.values);
  return use.Give(std::move(result));
}

}  // namespace gradus::onnx_import
