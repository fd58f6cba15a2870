// SPDX-License-Identifier: Apache-2.0
// Images with more positions.
#include <cmath>
#include <utility>

#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/operators.h"

namespace gradus::onnx_import {
namespace {

// How many times each axis of (batch, channels, height, width), as scales or as sizes.
absl::StatusOr<std::vector<int64_t>> TimesOf(const NodeUse& use, const Rows& rows) {
  std::vector<int64_t> times;
  const size_t scales = use.node().op == "Resize" && use.opset() > 10 ? 2 : 1;
  if (use.Has(3)) {
    ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, use.IntegersAt(3));
    for (size_t axis = 0; axis < sizes.size() && axis < rows.axes.size(); ++axis) {
      const int64_t extent = ExtentOf(use.network(), rows, axis);
      const bool batch = extent == kBatch;
      times.push_back(batch                                          ? 1
                      : sizes[axis] > 0 && sizes[axis] % extent == 0 ? sizes[axis] / extent
                                                                     : 0);
    }
  } else {
    std::vector<float> given = use.Floats("scales");
    if (use.Has(scales)) {
      ASSIGN_OR_RETURN(const onnx::Constant* constant, use.FloatsAt(scales));
      given = *constant->floats();
    }
    for (const float scale : given)
      times.push_back(scale >= 1 && scale <= 1024 && scale == std::floor(scale)
                          ? static_cast<int64_t>(scale)
                          : 0);
  }
  if (times.size() != 4 || times[0] != 1 || times[1] != 1 || times[2] < 1 || times[3] < 1)
    return NodeUse::Unknown("other sizes than height and width so many times");
  return times;
}

// Whether each position takes the one that it comes from.
bool IsNearest(const std::string& coordinates, const std::string& rounding) {
  if (coordinates == "asymmetric") return rounding == "floor";
  return (coordinates == "half_pixel" || coordinates == "pytorch_half_pixel") &&
         rounding.starts_with("round_prefer");
}

absl::Status Resize(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  if (rows.axes.size() != 4 || rows.axes[0] != 0)
    return NodeUse::Unknown("what it takes are no images");
  ASSIGN_OR_RETURN(const std::vector<int64_t> times, TimesOf(use, rows));
  const std::string mode = use.Text("mode", "nearest");
  const bool older = use.node().op == "Upsample" || use.opset() < 11;
  const std::string coordinates =
      use.Text("coordinate_transformation_mode", older ? "asymmetric" : "half_pixel");
  const bool nearest =
      mode == "nearest" &&
      IsNearest(coordinates, use.Text("nearest_mode", older ? "floor" : "round_prefer_floor"));
  const bool linear =
      mode == "linear" && (coordinates == "half_pixel" || coordinates == "pytorch_half_pixel");
  if (!nearest && !linear)
    return NodeUse::Unknown("positions or a mode that up_sampling2d has not");
  ASSIGN_OR_RETURN(const int source, ChannelsLast(use.network(), rows));
  v1::Layer layer;
  v1::UpSampling2d& spec = *layer.mutable_up_sampling2d();
  spec.add_size(times[2]);
  spec.add_size(times[3]);
  if (linear) spec.set_interpolation(v1::UpSampling2d::BILINEAR);
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {source}));
  return use.Give(ChannelsFirst(made, 4));
}

constexpr AttributeRule kResize[] = {{"mode", AttributeType::kText},
                                     {"scales", AttributeType::kFloats},
                                     {"coordinate_transformation_mode", AttributeType::kText},
                                     {"nearest_mode", AttributeType::kText},
                                     // Of modes that are not taken.
                                     {"cubic_coeff_a", AttributeType::kFloat},
                                     {"exclude_outside", AttributeType::kInteger},
                                     {"extrapolation_value", AttributeType::kFloat}};

constexpr Operator kOperators[] = {
    {"Resize", Resize, 1, 4, kResize, AxisOrder::kChannelsFirst},
    {"Upsample", Resize, 1, 2, kResize, AxisOrder::kChannelsFirst},
};

}  // namespace

extern const OperatorFamily resampling_operators_kind;
constinit const OperatorFamily resampling_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
