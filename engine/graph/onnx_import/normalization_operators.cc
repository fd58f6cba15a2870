// SPDX-License-Identifier: Apache-2.0
// Normalizations, and what does something in training alone.
#include <numeric>
#include <optional>
#include <utility>

#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/operators.h"
#include "engine/layers/extents.h"

namespace gradus::onnx_import {
namespace {

constexpr float kEpsilon = 1e-5F;

absl::StatusOr<GivenWeight> WeightAt(const NodeUse& use, size_t input, const char* name) {
  ASSIGN_OR_RETURN(const onnx::Constant* constant, use.FloatsAt(input));
  return GivenWeight{name, constant->shape, *constant->floats(), use.name_of(input)};
}

absl::Status BatchNormalization(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  if (use.Integer("training_mode", 0) != 0 || use.Wanted(1) || use.Wanted(2))
    return NodeUse::Unknown("a normalization by the batch itself; export the model for inference");
  if (use.Integer("spatial", 1) == 0)
    return NodeUse::Unknown("a normalization of each position by itself");
  ASSIGN_OR_RETURN(const int source, ChannelsLast(use.network(), rows));
  v1::Layer layer;
  v1::BatchNormalization& spec = *layer.mutable_batch_normalization();
  spec.set_epsilon(Plain(use.Float("epsilon", kEpsilon)));
  spec.set_momentum(Plain(use.Float("momentum", 0.9F)));
  std::vector<GivenWeight> weights;
  size_t input = 1;
  for (const char* name : {"gamma", "beta", "moving_mean", "moving_variance"}) {
    ASSIGN_OR_RETURN(weights.emplace_back(), WeightAt(use, input, name));
    ++input;
  }
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {source}, std::move(weights)));
  return use.Give(ChannelsFirst(made, rows.axes.size()));
}

// Gamma or beta of the axes that are normalized together, as one.
absl::StatusOr<GivenWeight> FlatWeightAt(const NodeUse& use, size_t input, const char* name,
                                         const Shape& shape) {
  ASSIGN_OR_RETURN(GivenWeight weight, WeightAt(use, input, name));
  if (weight.shape != shape)
    return NodeUse::Unknown("weights of another shape than the axes that are normalized");
  weight.shape = {static_cast<int64_t>(weight.values.size())};
  return weight;
}

// Along all axes from one on, which become the last one.
absl::Status LayerNormalization(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  const size_t rank = rows.axes.size();
  ASSIGN_OR_RETURN(const size_t first, AxisOf(use.Integer("axis", -1), rank));
  if (BatchAxisOf(rows) >= first) return NodeUse::Unknown("a normalization along the batch");
  if (use.Wanted(1) || use.Wanted(2)) return NodeUse::Unknown("the mean as an output");
  std::vector<size_t> axes = OwnOrderOf(rows);
  std::erase_if(axes, [&](size_t axis) { return axis >= first; });
  Shape shape = ExtentsOf(use.network(), rows, axes);
  std::vector<size_t> along(rank - first);
  std::iota(along.begin(), along.end(), first);
  const Shape normalized = ExtentsOf(use.network(), rows, along);
  shape.push_back(layers::CountOf(normalized));
  axes.insert(axes.end(), along.begin(), along.end());
  ASSIGN_OR_RETURN(const int ordered, Ordered(use.network(), rows, axes));
  ASSIGN_OR_RETURN(const int source, Reshaped(use.network(), ordered, shape));
  v1::Layer layer;
  v1::LayerNormalization& spec = *layer.mutable_layer_normalization();
  spec.set_epsilon(Plain(use.Float("epsilon", kEpsilon)));
  std::vector<GivenWeight> weights;
  if (use.Has(1)) {
    ASSIGN_OR_RETURN(weights.emplace_back(), FlatWeightAt(use, 1, "gamma", normalized));
  } else {
    spec.set_scale(false);
  }
  if (use.Has(2)) {
    ASSIGN_OR_RETURN(weights.emplace_back(), FlatWeightAt(use, 2, "beta", normalized));
  } else {
    spec.set_center(false);
  }
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {source}, std::move(weights)));
  ASSIGN_OR_RETURN(const int back,
                   Reshaped(use.network(), made, ExtentsOf(use.network(), rows, axes)));
  return use.Give(ViewOf(back, axes));
}

absl::Status Dropout(NodeUse& use) {
  const onnx::Constant* training = use.ConstantAt(2);
  if (use.Has(2) && (training == nullptr || training->integers() == nullptr ||
                     training->size() != 1 || (*training->integers())[0] != 0))
    return NodeUse::Unknown("values are dropped; export the model for inference");
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  float rate = use.Float("ratio", 0.5F);
  if (use.Has(1)) {
    const std::optional<float> given = use.NumberAt(1);
    if (!given.has_value()) return NodeUse::Unknown("a ratio that is no constant");
    rate = *given;
  }
  if (rate == 0) return use.Pass(0);
  v1::Layer layer;
  layer.mutable_dropout()->set_rate(Plain(rate));
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {rows.source}));
  return use.Give(Rows{.source = made, .axes = rows.axes});
}

constexpr AttributeRule kBatch[] = {{"epsilon", AttributeType::kFloat},
                                    {"momentum", AttributeType::kFloat},
                                    {"spatial", AttributeType::kInteger},
                                    {"training_mode", AttributeType::kInteger}};
constexpr AttributeRule kLayer[] = {{"axis", AttributeType::kInteger},
                                    {"epsilon", AttributeType::kFloat},
                                    {"stash_type", AttributeType::kInteger}};
constexpr AttributeRule kDropout[] = {{"ratio", AttributeType::kFloat},
                                      {"seed", AttributeType::kInteger}};

constexpr Operator kOperators[] = {
    {"BatchNormalization", BatchNormalization, 5, 5, kBatch, AxisOrder::kChannelsFirst},
    {"LayerNormalization", LayerNormalization, 1, 3, kLayer},
    {"Dropout", Dropout, 1, 3, kDropout, AxisOrder::kKept},
};

}  // namespace

extern const OperatorFamily normalization_operators_kind;
constinit const OperatorFamily normalization_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
