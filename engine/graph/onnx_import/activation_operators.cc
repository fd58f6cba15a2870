// SPDX-License-Identifier: Apache-2.0
// Functions of each element, and the softmax.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/element_layers.h"
#include "engine/graph/onnx_import/operators.h"
#include "engine/graph/onnx_import/patterns.h"
#include "engine/layers/extents.h"

namespace gradus::onnx_import {
namespace {

absl::Status Apply(NodeUse& use, const v1::Activation& activation) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  ASSIGN_OR_RETURN(Rows result, Activated(use, rows, activation));
  return use.Give(std::move(result));
}

// Of a function without settings.
template <auto kMutable>
absl::Status Plainly(NodeUse& use) {
  v1::Activation activation;
  (activation.*kMutable)();
  return Apply(use, activation);
}

absl::Status LeakyRelu(NodeUse& use) {
  v1::Activation activation;
  activation.mutable_leaky_relu()->set_alpha(Plain(use.Float("alpha", 0.01F)));
  return Apply(use, activation);
}

absl::Status Elu(NodeUse& use) {
  v1::Activation activation;
  activation.mutable_elu()->set_alpha(Plain(use.Float("alpha", 1)));
  return Apply(use, activation);
}

// With other constants than the usual ones an elu, rescaled.
absl::Status Selu(NodeUse& use) {
  constexpr float kAlpha = 1.67326324F;
  constexpr float kGamma = 1.05070098F;
  constexpr float kRounding = 1e-6F;
  const float alpha = use.Float("alpha", kAlpha);
  const float gamma = use.Float("gamma", kGamma);
  v1::Activation activation;
  if (std::abs(alpha - kAlpha) < kRounding && std::abs(gamma - kGamma) < kRounding) {
    activation.mutable_selu();
    return Apply(use, activation);
  }
  activation.mutable_elu()->set_alpha(Plain(alpha));
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  ASSIGN_OR_RETURN(const Rows raised, Activated(use, rows, activation));
  ASSIGN_OR_RETURN(Rows result, Rescaled(use, raised, Plain(gamma), 0));
  return use.Give(std::move(result));
}

// max(0, min(1, alpha x + beta)); ours has 0.2 and 0.5, others are another scale of x.
absl::StatusOr<Rows> HardSigmoidOf(NodeUse& use, const Rows& rows, double alpha, double beta) {
  v1::Activation activation;
  activation.mutable_hard_sigmoid();
  ASSIGN_OR_RETURN(const Rows scaled, Rescaled(use, rows, alpha / 0.2, (beta - 0.5) / 0.2));
  return Activated(use, scaled, activation);
}

absl::Status HardSigmoid(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  ASSIGN_OR_RETURN(Rows result, HardSigmoidOf(use, rows, Plain(use.Float("alpha", 0.2F)),
                                              Plain(use.Float("beta", 0.5F))));
  return use.Give(std::move(result));
}

absl::Status HardSwish(NodeUse& use) {
  ASSIGN_OR_RETURN(Rows rows, use.RowsAt(0));
  // It is read twice.
  rows.alone = false;
  ASSIGN_OR_RETURN(const Rows gate, HardSigmoidOf(use, rows, 1.0 / 6, 0.5));
  v1::Layer layer;
  layer.mutable_multiply();
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {rows.source, gate.source}));
  return use.Give(Rows{.source = made, .axes = rows.axes});
}

absl::Status PRelu(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  ASSIGN_OR_RETURN(const onnx::Constant* slope, use.FloatsAt(1));
  ASSIGN_OR_RETURN(onnx::Constant alpha, Spread(use.network(), rows, *slope));
  const Shape& shape = use.network().shape_of(rows.source);
  v1::Activation activation;
  v1::Prelu& spec = *activation.mutable_prelu();
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (alpha.shape[axis] != shape[axis]) spec.add_shared_axes(static_cast<int64_t>(axis) + 1);
  ASSIGN_OR_RETURN(
      Rows result,
      Activated(use, rows, activation,
                {{"alpha", alpha.shape, std::move(*std::get_if<std::vector<float>>(&alpha.values)),
                  use.name_of(1)}}));
  return use.Give(std::move(result));
}

// Where a bound is, if it is one.
std::optional<float> Bound(std::optional<float> value) {
  constexpr float kNowhere = std::numeric_limits<float>::max();
  if (value.has_value() && std::abs(*value) >= kNowhere) return std::nullopt;
  return value;
}

absl::Status Clip(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  std::optional<float> bounds[2];
  const char* names[] = {"min", "max"};
  for (const size_t i : {0U, 1U}) {
    if (use.Says(names[i])) bounds[i] = Bound(use.Float(names[i], 0));
    if (!use.Has(i + 1)) continue;
    bounds[i] = Bound(use.NumberAt(i + 1));
    if (!use.NumberAt(i + 1).has_value()) return NodeUse::Unknown("a bound that is no constant");
  }
  ASSIGN_OR_RETURN(Rows result, Clipped(use, rows, bounds[0], bounds[1]));
  return use.Give(std::move(result));
}

// Along one axis, which comes last; before version 13 along all axes from it on.
absl::Status Softmax(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  const size_t rank = rows.axes.size();
  ASSIGN_OR_RETURN(const size_t axis, AxisOf(use.Integer("axis", use.opset() < 13 ? 1 : -1), rank));
  std::vector<size_t> along = {axis};
  for (size_t later = axis + 1; use.opset() < 13 && later < rank; ++later) along.push_back(later);
  v1::Activation activation;
  activation.mutable_softmax();
  int64_t values = 1;
  for (const size_t each : along) {
    if (rows.axes[each] == 0) return NodeUse::Unknown("a softmax over the batch");
    values *= ExtentOf(use.network(), rows, each);
  }
  const Shape& own = use.network().shape_of(rows.source);
  if (own.size() == rows.axes[axis] && own.back() == values) {
    ASSIGN_OR_RETURN(Rows result, Activated(use, rows, activation));
    return use.Give(std::move(result));
  }
  std::vector<size_t> axes = OwnOrderOf(rows);
  std::erase_if(axes, [&](size_t each) { return std::ranges::count(along, each) > 0; });
  Shape shape = ExtentsOf(use.network(), rows, axes);
  shape.push_back(values);
  axes.insert(axes.end(), along.begin(), along.end());
  ASSIGN_OR_RETURN(const int ordered, Ordered(use.network(), rows, axes));
  ASSIGN_OR_RETURN(const int source, Reshaped(use.network(), ordered, shape));
  ASSIGN_OR_RETURN(const Rows made, Activated(use, {.source = source}, activation));
  ASSIGN_OR_RETURN(const int back,
                   Reshaped(use.network(), made.source, ExtentsOf(use.network(), rows, axes)));
  return use.Give(ViewOf(back, axes));
}

absl::Status LogSoftmax(NodeUse&) {
  return NodeUse::Unknown(
      "there is no logarithm of a softmax; export the model with a softmax, or without it");
}

// Those that patterns.h finds.
absl::Status Gelu(NodeUse& use) {
  v1::Activation activation;
  if (use.Integer("approximate", 0) != 0) activation.mutable_gelu()->set_approximate(true);
  activation.mutable_gelu();
  return Apply(use, activation);
}

absl::Status Swish(NodeUse& use) {
  v1::Activation activation;
  activation.mutable_swish();
  if (use.Says("beta")) activation.mutable_swish()->set_beta(Plain(use.Float("beta", 1)));
  return Apply(use, activation);
}

absl::Status CutRelu(NodeUse& use) {
  v1::Activation activation;
  v1::Relu& relu = *activation.mutable_relu();
  relu.set_threshold(Plain(use.Float("threshold", 0)));
  relu.set_negative_slope(Plain(use.Float("slope", 0)));
  if (use.Says("max_value")) relu.set_max_value(Plain(use.Float("max_value", 0)));
  return Apply(use, activation);
}

constexpr AttributeRule kAlpha[] = {{"alpha", AttributeType::kFloat}};
constexpr AttributeRule kAlphaBeta[] = {{"alpha", AttributeType::kFloat},
                                        {"beta", AttributeType::kFloat}};
constexpr AttributeRule kAlphaGamma[] = {{"alpha", AttributeType::kFloat},
                                         {"gamma", AttributeType::kFloat}};
constexpr AttributeRule kRange[] = {{"min", AttributeType::kFloat}, {"max", AttributeType::kFloat}};
constexpr AttributeRule kAxis[] = {{"axis", AttributeType::kInteger}};
constexpr AttributeRule kGelu[] = {{"approximate", AttributeType::kInteger}};
constexpr AttributeRule kSwish[] = {{"beta", AttributeType::kFloat}};
constexpr AttributeRule kCutRelu[] = {{"threshold", AttributeType::kFloat},
                                      {"slope", AttributeType::kFloat},
                                      {"max_value", AttributeType::kFloat}};

constexpr Operator Function(const char* name, absl::Status (*import)(NodeUse&),
                            std::span<const AttributeRule> attributes = {}, size_t most = 1) {
  return {name, import, 1, most, attributes, AxisOrder::kKept};
}

using v1::Activation;
constexpr Operator kOperators[] = {
    Function("Relu", Plainly<&Activation::mutable_relu>),
    Function("Sigmoid", Plainly<&Activation::mutable_sigmoid>),
    Function("Tanh", Plainly<&Activation::mutable_tanh>),
    Function("Softplus", Plainly<&Activation::mutable_softplus>),
    Function("Softsign", Plainly<&Activation::mutable_softsign>),
    Function("Exp", Plainly<&Activation::mutable_exponential>),
    Function("Mish", Plainly<&Activation::mutable_mish>),
    Function("LeakyRelu", LeakyRelu, kAlpha),
    Function("Elu", Elu, kAlpha),
    Function("Selu", Selu, kAlphaGamma),
    Function("HardSigmoid", HardSigmoid, kAlphaBeta),
    Function("HardSwish", HardSwish),
    {"PRelu", PRelu, 2, 2, {}, AxisOrder::kKept},
    Function("Clip", Clip, kRange, 3),
    {"Softmax", Softmax, 1, 1, kAxis},
    {"LogSoftmax", LogSoftmax, 1, 1, kAxis},
    Function(kGeluPattern, Gelu, kGelu),
    Function(kSwishPattern, Swish, kSwish),
    Function(kMishPattern, Plainly<&Activation::mutable_mish>),
    Function(kCutReluPattern, CutRelu, kCutRelu),
};

}  // namespace

extern const OperatorFamily activation_operators_kind;
constinit const OperatorFamily activation_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
