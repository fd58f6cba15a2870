// SPDX-License-Identifier: Apache-2.0
// Layers that work on each element by itself.
#include "engine/graph/onnx_import/element_layers.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <utility>

#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/layers/activations/kind.h"
#include "engine/layers/kind.h"

namespace gradus::onnx_import {
namespace {

using google::protobuf::FieldDescriptor;

// A power of two, so that with a variance of 1 - epsilon nothing is scaled by rounding.
constexpr double kExactEpsilon = 0x1p-10;

// The layer behind `rows`, if it may still be changed: it ends with an activation, and has none.
MadeLayer* Open(NodeUse& use, const Rows& rows) {
  if (!use.network().MayChange(rows)) return nullptr;
  MadeLayer& made = use.network().layer(rows.source);
  if (layers::Find(made.spec)->activation == nullptr) return nullptr;
  const google::protobuf::Message& settings = SettingsOf(made.spec);
  const FieldDescriptor* field = settings.GetDescriptor()->FindFieldByName("activation");
  if (field == nullptr || settings.GetReflection()->HasField(settings, field)) return nullptr;
  return &made;
}

absl::StatusOr<Rows> Normalized(NodeUse& use, const Rows& rows, const onnx::Constant& along,
                                const char* name) {
  const auto varying = std::ranges::count_if(along.shape, [](int64_t e) { return e != 1; });
  if (varying > 1) return NodeUse::Unknown("a constant that differs along several axes");
  const auto own = static_cast<size_t>(
      std::ranges::find_if(along.shape, [](int64_t e) { return e != 1; }) - along.shape.begin());
  std::vector<size_t> axes = OwnOrderOf(rows);
  std::stable_partition(axes.begin(), axes.end(),
                        [&](size_t axis) { return rows.axes[axis] != own + 1; });
  ASSIGN_OR_RETURN(const int source, Arranged(use.network(), rows, axes));
  v1::Layer layer;
  layer.set_trainable(false);
  v1::BatchNormalization& spec = *layer.mutable_batch_normalization();
  const bool scale = std::string_view(name) == "gamma";
  spec.set_epsilon(kExactEpsilon);
  spec.set_scale(scale);
  spec.set_center(!scale);
  const auto channels = static_cast<size_t>(along.size());
  const auto all = [&](double value) {
    return std::vector<float>(channels, static_cast<float>(value));
  };
  const Shape shape = {static_cast<int64_t>(channels)};
  ASSIGN_OR_RETURN(const int made,
                   use.Add(std::move(layer), {source},
                           {{name, shape, *along.floats(), ""},
                            {"moving_mean", shape, all(0), ""},
                            {"moving_variance", shape, all(1 - kExactEpsilon), ""}}));
  return ViewOf(made, axes);
}

}  // namespace

absl::StatusOr<Rows> Activated(NodeUse& use, const Rows& rows, const v1::Activation& activation,
                               std::vector<GivenWeight> weights) {
  if (MadeLayer* open = Open(use, rows)) {
    v1::Layer spec = open->spec;
    google::protobuf::Message& settings = MutableSettingsOf(spec);
    settings.GetReflection()
        ->MutableMessage(&settings, settings.GetDescriptor()->FindFieldByName("activation"))
        ->CopyFrom(activation);
    std::vector<GivenWeight> all = open->weights;
    all.insert(all.end(), weights.begin(), weights.end());
    if (use.network().Change(rows.source, std::move(spec), std::move(all)).ok()) return rows;
  }
  v1::Layer layer;
  *layer.mutable_activation() = activation;
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {rows.source}, std::move(weights)));
  return Rows{.source = made, .axes = rows.axes};
}

absl::StatusOr<Rows> Rescaled(NodeUse& use, const Rows& rows, double scale, double offset) {
  if (scale == 1 && offset == 0) return rows;
  if (scale == 1 && use.network().MayChange(rows)) {
    v1::Layer spec = use.network().layer(rows.source).spec;
    if (spec.has_rescaling() && spec.rescaling().offset() == 0) {
      spec.mutable_rescaling()->set_offset(offset);
      RETURN_IF_ERROR(use.network().Change(rows.source, std::move(spec), {}));
      return rows;
    }
  }
  v1::Layer layer;
  layer.mutable_rescaling()->set_scale(scale);
  if (offset != 0) layer.mutable_rescaling()->set_offset(offset);
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {rows.source}));
  return Rows{.source = made, .axes = rows.axes};
}

absl::StatusOr<Rows> Scaled(NodeUse& use, const Rows& rows, const onnx::Constant& scale) {
  ASSIGN_OR_RETURN(const onnx::Constant along, Spread(use.network(), rows, scale));
  if (along.size() == 1) return Rescaled(use, rows, Plain((*along.floats())[0]), 0);
  return Normalized(use, rows, along, "gamma");
}

absl::StatusOr<Rows> Shifted(NodeUse& use, const Rows& rows, const onnx::Constant& offset,
                             const std::string& from) {
  ASSIGN_OR_RETURN(onnx::Constant along, Spread(use.network(), rows, offset));
  MadeLayer* open = Open(use, rows);
  const Shape channels = {use.network().shape_of(rows.source).back()};
  if (open != nullptr && along.shape.back() == channels[0] &&
      along.size() == static_cast<size_t>(channels[0])) {
    v1::Layer spec = open->spec;
    google::protobuf::Message& settings = MutableSettingsOf(spec);
    const FieldDescriptor* bias = settings.GetDescriptor()->FindFieldByName("use_bias");
    if (bias != nullptr && settings.GetReflection()->HasField(settings, bias) &&
        !settings.GetReflection()->GetBool(settings, bias)) {
      settings.GetReflection()->ClearField(&settings, bias);
      std::vector<GivenWeight> weights = open->weights;
      weights.push_back({"bias", channels, *along.floats(), from});
      if (use.network().Change(rows.source, std::move(spec), std::move(weights)).ok()) return rows;
    }
  }
  if (along.size() == 1) return Rescaled(use, rows, 1, Plain((*along.floats())[0]));
  return Normalized(use, rows, along, "beta");
}

absl::StatusOr<Rows> Clipped(NodeUse& use, const Rows& rows, std::optional<float> low,
                             std::optional<float> high) {
  if (low.has_value() && high.has_value() && !(*low <= *high))
    return NodeUse::Unknown("a range that begins behind its end");
  if (!low.has_value() && !high.has_value()) return rows;
  v1::Activation activation;
  v1::Relu& relu = *activation.mutable_relu();
  if (!low.has_value()) {
    ASSIGN_OR_RETURN(const Rows below, Rescaled(use, rows, -1, Plain(*high)));
    ASSIGN_OR_RETURN(const Rows cut, Activated(use, below, activation));
    return Rescaled(use, cut, -1, Plain(*high));
  }
  if (high.has_value()) relu.set_max_value(Plain(*high) - Plain(*low));
  ASSIGN_OR_RETURN(const Rows above, Rescaled(use, rows, 1, -Plain(*low)));
  ASSIGN_OR_RETURN(const Rows cut, Activated(use, above, activation));
  return Rescaled(use, cut, 1, Plain(*low));
}

}  // namespace gradus::onnx_import
