// SPDX-License-Identifier: Apache-2.0
// Normalizations, and what does something in training alone.
#include <utility>

#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/operators.h"

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

absl::Status LayerNormalization(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  const size_t rank = rows.axes.size();
  ASSIGN_OR_RETURN(const size_t axis, AxisOf(use.Integer("axis", -1), rank));
  if (axis + 1 != rank || rows.axes[axis] == 0)
    return NodeUse::Unknown("a normalization along another axis than the last one");
  if (use.Wanted(1) || use.Wanted(2)) return NodeUse::Unknown("the mean as an output");
  std::vector<size_t> axes = OwnOrderOf(rows);
  std::erase(axes, axis);
  axes.push_back(axis);
  ASSIGN_OR_RETURN(const int source, Arranged(use.network(), rows, axes));
  v1::Layer layer;
  v1::LayerNormalization& spec = *layer.mutable_layer_normalization();
  spec.set_epsilon(Plain(use.Float("epsilon", kEpsilon)));
  std::vector<GivenWeight> weights;
  if (use.Has(1)) {
    ASSIGN_OR_RETURN(weights.emplace_back(), WeightAt(use, 1, "gamma"));
  } else {
    spec.set_scale(false);
  }
  if (use.Has(2)) {
    ASSIGN_OR_RETURN(weights.emplace_back(), WeightAt(use, 2, "beta"));
  } else {
    spec.set_center(false);
  }
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {source}, std::move(weights)));
  return use.Give(ViewOf(made, axes));
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
