// SPDX-License-Identifier: Apache-2.0
// Dense: activation(x * kernel + bias) over the last axis.
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/inner_product.h"
#include "engine/layers/activated.h"
#include "engine/layers/extents.h"

namespace gradus::layers {
namespace {

constexpr int64_t kMostUnits = 16'777'216;

absl::Status Check(v1::Layer& layer) {
  v1::Dense& spec = *layer.mutable_dense();
  if (spec.units() < 1)
    return base::InvalidArgument("units", absl::StrCat(spec.units()), "a positive number");
  if (spec.units() > kMostUnits)
    return base::InvalidArgument("units", absl::StrCat(spec.units()),
                                 absl::StrCat("at most ", kMostUnits));
  RETURN_IF_ERROR(base::InField(activations::Check(*spec.mutable_activation()), "activation"));
  if (!spec.has_use_bias()) spec.set_use_bias(true);
  if (spec.kernel_initializer().kind_case() == v1::Initializer::KIND_NOT_SET)
    spec.mutable_kernel_initializer()->mutable_glorot_uniform();
  if (spec.bias_initializer().kind_case() == v1::Initializer::KIND_NOT_SET)
    spec.mutable_bias_initializer()->mutable_zeros();
  return absl::OkStatus();
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  Shape shape = inputs[0];
  shape.back() = layer.dense().units();
  return shape;
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Dense& spec = layer.dense();
  const int64_t fan_in = inputs[0].back();
  const int64_t fan_out = spec.units();
  std::vector<Weight> weights;
  weights.push_back({.name = "kernel",
                     .shape = {fan_in, fan_out},
                     .initializer = spec.kernel_initializer(),
                     .fan_in = fan_in,
                     .fan_out = fan_out,
                     .regularizer = spec.kernel_regularizer(),
                     .constraint = spec.kernel_constraint()});
  if (spec.use_bias()) {
    weights.push_back({.name = "bias",
                       .shape = {fan_out},
                       .initializer = spec.bias_initializer(),
                       .fan_in = fan_in,
                       .fan_out = fan_out,
                       .regularizer = spec.bias_regularizer(),
                       .constraint = spec.bias_constraint()});
  }
  return weights;
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Dense& spec = layer.dense();
  std::vector<Lowered> chain;
  const Shape& shape = inputs[0];
  const int64_t positions = CountOf(shape) / shape.back();
  chain.push_back(
      {kernels::MakeInnerProduct(shape.back(), spec.units(), spec.use_bias(), positions),
       spec.use_bias() ? std::vector<int>{0, 1} : std::vector<int>{0}});
  return chain;
}

bool FoldAfter(v1::Layer& layer, const ChannelMap& after, const Shape& output,
               WeightValues& weights) {
  return AbsorbAfter(*layer.mutable_dense(), after, 0, 1, output, weights);
}

bool FoldBefore(v1::Layer& layer, const ChannelMap& before, const Shape& input,
                WeightValues& weights) {
  return AbsorbBefore(*layer.mutable_dense(), before, static_cast<size_t>(input.back()),
                      static_cast<size_t>(layer.dense().units()), 1, false, weights);
}

// The vector x along the last axis.
std::vector<double> VectorReference(const v1::Dense& spec, std::span<const double> x,
                                    std::span<const std::vector<double>> weights) {
  std::vector<double> y(static_cast<size_t>(spec.units()));
  for (size_t unit = 0; unit < y.size(); ++unit) {
    y[unit] = spec.use_bias() ? weights[1][unit] : 0;
    for (size_t i = 0; i < x.size(); ++i) y[unit] += x[i] * weights[0][i * y.size() + unit];
  }
  return y;
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const auto width = static_cast<size_t>(shapes[0].back());
  const std::span<const double> x = inputs[0];
  std::vector<double> result;
  for (size_t at = 0; at < x.size(); at += width) {
    const std::vector<double> y = VectorReference(layer.dense(), x.subspan(at, width), weights);
    result.insert(result.end(), y.begin(), y.end());
  }
  return result;
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const onnx::Value& x = use.inputs[0];
  const onnx::Value kernel = model.Constant(use.weights[0]);
  const bool bias = use.weights.size() > 1;
  if (use.shapes[0].size() == 1) {
    std::vector<onnx::Value> inputs = {x, kernel};
    if (bias) inputs.push_back(model.Constant(use.weights[1]));
    return model.Node("Gemm", std::move(inputs));
  }
  const onnx::Value product = model.Node("MatMul", {x, kernel});
  return bias ? model.Node("Add", {product, model.Constant(use.weights[1])}) : product;
}

const v1::Activation& ActivationOf(const v1::Layer& layer) { return layer.dense().activation(); }

using Whole = Activated<ActivationOf, Infer, Weights, Lower, Reference>;

Sample MakeSample(Shape inputs, int64_t units, const v1::Activation& activation, bool use_bias) {
  Sample sample;
  v1::Dense& spec = *sample.spec.mutable_dense();
  spec.set_units(units);
  *spec.mutable_activation() = activation;
  spec.set_use_bias(use_bias);
  sample.inputs = {std::move(inputs)};
  return sample;
}

// Each activation, with sizes on both sides of every vector's width.
std::vector<Sample> Samples() {
  std::vector<Sample> samples;
  for (const activations::ActivationKind* kind : activations::Table()) {
    for (const v1::Activation& activation : kind->samples())
      samples.push_back(MakeSample({19}, 7, activation, true));
  }
  v1::Activation relu;
  relu.mutable_relu();
  samples.push_back(MakeSample({1}, 1, relu, true));
  samples.push_back(MakeSample({50}, 100, relu, false));
  samples.push_back(MakeSample({200}, 33, relu, true));
  samples.push_back(MakeSample({3, 19}, 7, relu, true));
  v1::Activation softmax;
  softmax.mutable_softmax();
  samples.push_back(MakeSample({2, 3, 5}, 4, softmax, false));
  return samples;
}

}  // namespace

extern const LayerKind dense_kind;
constinit const LayerKind dense_kind = {
    .field = v1::Layer::kDense,
    .documentation = "activation(x * kernel + bias) over the last axis; kernel is (inputs, units).",
    .source = "Keras, Dense",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Whole::Infer,
    .weights = Whole::Weights,
    .lower = Whole::Lower,
    .reference = Whole::Reference,
    .absorb_after = FoldAfter,
    .absorb_before = FoldBefore,
    .activation = ActivationOf,
    .onnx = Whole::Onnx<Onnx>,
    .samples = Samples,
};

}  // namespace gradus::layers
