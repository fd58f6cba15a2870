// SPDX-License-Identifier: Apache-2.0
// Batch normalization: each channel with the mean 0 and the variance 1 over the batch, then scaled
// and moved as is learned.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/normalization.h"
#include "engine/layers/convolving.h"
#include "engine/layers/extents.h"
#include "engine/layers/normalizing.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::BatchNormalization& spec = *layer.mutable_batch_normalization();
  if (!spec.has_momentum()) spec.set_momentum(0.99);
  if (!(spec.momentum() >= 0 && spec.momentum() <= 1))
    return base::InvalidArgument("momentum", absl::StrCat(spec.momentum()), "a number from 0 to 1");
  FillInitializer(spec.mutable_moving_mean_initializer(), AllZeros);
  FillInitializer(spec.mutable_moving_variance_initializer(), AllOnes);
  return CheckNormalization(spec);
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::BatchNormalization& spec = layer.batch_normalization();
  const int64_t channels = inputs[0].back();
  std::vector<Weight> weights = NormalizationWeights(spec, channels);
  const auto add = [&](const char* name, const v1::Initializer& initializer) {
    weights.push_back({.name = name,
                       .shape = {channels},
                       .initializer = initializer,
                       .fan_in = channels,
                       .fan_out = channels,
                       .statistic = true,
                       .momentum = spec.momentum()});
  };
  add("moving_mean", spec.moving_mean_initializer());
  add("moving_variance", spec.moving_variance_initializer());
  return weights;
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::BatchNormalization& spec = layer.batch_normalization();
  const size_t weights = Weights(layer, inputs).size();
  std::vector<Lowered> chain;
  chain.push_back({kernels::MakeBatchNormalization(NormalizationShapeOf(spec, inputs[0])),
                   FirstWeights(weights)});
  return chain;
}

// gamma * (x - mean) / sqrt(variance + epsilon) + beta for each channel.
std::vector<double> Normalized(const v1::BatchNormalization& spec, std::span<const double> x,
                               std::span<const std::vector<double>> weights,
                               const std::vector<double>& mean,
                               const std::vector<double>& variance) {
  const size_t beta = spec.scale() ? 1 : 0;
  std::vector<double> y;
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i % mean.size();
    double value = (x[i] - mean[c]) / std::sqrt(variance[c] + spec.epsilon());
    if (spec.scale()) value *= weights[0][c];
    if (spec.center()) value += weights[beta][c];
    y.push_back(value);
  }
  return y;
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape>,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const size_t moving = weights.size() - 2;
  return Normalized(layer.batch_normalization(), inputs[0], weights, weights[moving],
                    weights[moving + 1]);
}

ChannelMap MapOf(const v1::Layer& layer, const WeightValues& weights) {
  const v1::BatchNormalization& spec = layer.batch_normalization();
  const size_t beta = spec.scale() ? 1 : 0;
  const size_t moving = weights.size() - 2;
  ChannelMap map;
  for (size_t c = 0; c < weights[moving].size(); ++c) {
    const double gamma = spec.scale() ? weights[0][c] : 1;
    const double scale = gamma / std::sqrt(weights[moving + 1][c] + spec.epsilon());
    map.scale.push_back(scale);
    map.shift.push_back((spec.center() ? weights[beta][c] : 0) - weights[moving][c] * scale);
  }
  return map;
}

std::vector<double> BatchReference(const v1::Layer& layer, std::span<const Shape> shapes, int64_t,
                                   std::span<const std::vector<double>> inputs,
                                   std::span<const std::vector<double>> weights,
                                   std::vector<std::vector<double>>* statistics) {
  const std::vector<double>& x = inputs[0];
  const auto channels = static_cast<size_t>(shapes[0].back());
  const double vectors = static_cast<double>(x.size() / channels);
  std::vector<double> mean(channels, 0);
  for (size_t i = 0; i < x.size(); ++i) mean[i % channels] += x[i] / vectors;
  std::vector<double> variance(channels, 0);
  for (size_t i = 0; i < x.size(); ++i) {
    const double distance = x[i] - mean[i % channels];
    variance[i % channels] += distance * distance / vectors;
  }
  std::vector<double> y = Normalized(layer.batch_normalization(), x, weights, mean, variance);
  statistics->push_back(std::move(mean));
  statistics->push_back(std::move(variance));
  return y;
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const v1::BatchNormalization& spec = use.spec.batch_normalization();
  const Shape channels = {use.shapes[0].back()};
  const auto all = [&](float value) {
    return std::vector<float>(static_cast<size_t>(channels[0]), value);
  };
  const size_t rank = use.shapes[0].size();
  const size_t beta = spec.scale() ? 1 : 0;
  const size_t moving = use.weights.size() - 2;
  const onnx::Value y = model.Node(
      "BatchNormalization",
      {ChannelsFirst(use.inputs[0], rank, model),
       spec.scale() ? model.Constant(use.weights[0]) : model.Constant("gamma", channels, all(1)),
       spec.center() ? model.Constant(use.weights[beta]) : model.Constant("beta", channels, all(0)),
       model.Constant(use.weights[moving]), model.Constant(use.weights[moving + 1])},
      {{"epsilon", static_cast<float>(spec.epsilon())}});
  return ChannelsLast(y, rank, model);
}

std::vector<Sample> Samples() {
  v1::Layer layer;
  v1::BatchNormalization& spec = *layer.mutable_batch_normalization();
  std::vector<Sample> samples = {{layer, {{7}}}, {layer, {{3, 2, 17}}}};
  spec.set_momentum(0.5);
  spec.set_epsilon(0.1);
  spec.set_scale(false);
  samples.push_back({layer, {{4, 3}}});
  spec.set_center(false);
  samples.push_back({layer, {{33}}});
  spec.set_scale(true);
  samples.push_back({layer, {{1}}});
  return samples;
}

}  // namespace

extern const LayerKind batch_normalization_kind;
constinit const LayerKind batch_normalization_kind = {
    .field = v1::Layer::kBatchNormalization,
    .documentation =
        "gamma * (x - mean) / sqrt(variance + epsilon) + beta for each channel, with "
        "the batch's mean and variance in training and moving ones else.",
    .source = "Ioffe and Szegedy 2015, alg. 1; Keras, BatchNormalization",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = SameShape,
    .weights = Weights,
    .lower = Lower,
    .reference = Reference,
    .batch_reference = BatchReference,
    .channel_map = MapOf,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
