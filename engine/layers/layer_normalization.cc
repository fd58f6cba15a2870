// SPDX-License-Identifier: Apache-2.0
// Layer normalization: each vector along the last axis with the mean 0 and the variance 1, then
// scaled and moved as is learned.
#include <cmath>

#include "engine/layers/normalizing.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  return CheckNormalization(*layer.mutable_layer_normalization());
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  return NormalizationWeights(layer.layer_normalization(), inputs[0].back());
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::LayerNormalization& spec = layer.layer_normalization();
  std::vector<Lowered> chain;
  chain.push_back({kernels::MakeLayerNormalization(NormalizationShapeOf(spec, inputs[0])),
                   FirstWeights(Weights(layer, inputs).size())});
  return chain;
}

void NormalizeVector(const v1::LayerNormalization& spec, std::span<const double> x,
                     std::span<const std::vector<double>> weights, std::vector<double>& y) {
  const double count = static_cast<double>(x.size());
  double mean = 0;
  for (const double value : x) mean += value / count;
  double variance = 0;
  for (const double value : x) variance += (value - mean) * (value - mean) / count;
  for (size_t i = 0; i < x.size(); ++i) {
    double value = (x[i] - mean) / std::sqrt(variance + spec.epsilon());
    if (spec.scale()) value *= weights[0][i];
    if (spec.center()) value += weights[spec.scale() ? 1 : 0][i];
    y.push_back(value);
  }
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const auto width = static_cast<size_t>(shapes[0].back());
  const std::span<const double> x = inputs[0];
  std::vector<double> y;
  for (size_t at = 0; at < x.size(); at += width)
    NormalizeVector(layer.layer_normalization(), x.subspan(at, width), weights, y);
  return y;
}

// The operator of this name is of a later version.
absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const v1::LayerNormalization& spec = use.spec.layer_normalization();
  const std::vector<onnx::Attribute> last = {{"axes", std::vector<int64_t>{-1}}};
  const onnx::Value& x = use.inputs[0];
  const onnx::Value distance = model.Node("Sub", {x, model.Node("ReduceMean", {x}, last)});
  const onnx::Value variance =
      model.Node("ReduceMean", {model.Node("Mul", {distance, distance})}, last);
  const onnx::Value deviation =
      model.Node("Sqrt", {model.Node("Add", {variance, model.Scalar("epsilon", spec.epsilon())})});
  onnx::Value y = model.Node("Div", {distance, deviation});
  if (spec.scale()) y = model.Node("Mul", {y, model.Constant(use.weights[0])});
  if (spec.center()) y = model.Node("Add", {y, model.Constant(use.weights.back())});
  return y;
}

std::vector<Sample> Samples() {
  v1::Layer layer;
  v1::LayerNormalization& spec = *layer.mutable_layer_normalization();
  std::vector<Sample> samples = {{layer, {{7}}}, {layer, {{3, 2, 17}}}};
  spec.set_epsilon(0.1);
  spec.set_scale(false);
  samples.push_back({layer, {{4, 3}}});
  spec.set_center(false);
  samples.push_back({layer, {{33}}});
  return samples;
}

}  // namespace

extern const LayerKind layer_normalization_kind;
constinit const LayerKind layer_normalization_kind = {
    .field = v1::Layer::kLayerNormalization,
    .documentation =
        "gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance "
        "of each vector along the last axis.",
    .source = "Ba, Kiros, Hinton 2016, eq. 4; Keras, LayerNormalization",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = SameShape,
    .weights = Weights,
    .lower = Lower,
    .reference = Reference,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
