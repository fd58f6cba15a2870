// SPDX-License-Identifier: Apache-2.0
// Normalization: (x - mean) / deviation, by what the training rows say.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/standardization.h"
#include "engine/layers/extents.h"
#include "engine/layers/settings.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

constexpr double kLeastDeviation = 1e-7;

bool Adapts(const v1::Layer& layer) { return !layer.normalization().has_mean(); }

absl::Status Check(v1::Layer& layer) {
  v1::Normalization& spec = *layer.mutable_normalization();
  if (!spec.has_axis()) spec.set_axis(-1);
  if (spec.has_mean() != spec.has_variance()) {
    return absl::InvalidArgumentError(
        "mean and variance are given together, or neither: then the training rows say them");
  }
  if (!spec.has_mean()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckFloat("mean", spec.mean()));
  RETURN_IF_ERROR(CheckFloat("variance", spec.variance()));
  if (spec.variance() < 0)
    return base::InvalidArgument("variance", absl::StrCat(spec.variance()), "0 or more");
  return absl::OkStatus();
}

kernels::StandardizationShape ShapeOf(const v1::Normalization& spec, const Shape& input) {
  const size_t axis = AxisOf("axis", spec.axis(), input.size()).value();
  return {.outer = CountOf(std::span(input).first(axis)),
          .extent = input[axis],
          .inner = CountOf(std::span(input).subspan(axis + 1))};
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  RETURN_IF_ERROR(AxisOf("axis", layer.normalization().axis(), inputs[0].size()).status());
  return inputs[0];
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Normalization& spec = layer.normalization();
  const int64_t extent = ShapeOf(spec, inputs[0]).extent;
  const auto weight = [&](const char* name, double value) {
    Weight made = {.name = name, .shape = {extent}, .fan_in = extent, .fan_out = extent};
    made.initializer.mutable_constant()->set_value(value);
    made.statistic = true;
    made.fixed = true;
    return made;
  };
  return {weight("mean", spec.mean()), weight("variance", Adapts(layer) ? 1 : spec.variance())};
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  std::vector<Lowered> chain;
  chain.push_back(
      {kernels::MakeStandardization(ShapeOf(layer.normalization(), inputs[0])), {0, 1}});
  return chain;
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const kernels::StandardizationShape shape = ShapeOf(layer.normalization(), shapes[0]);
  std::vector<double> result = inputs[0];
  for (size_t i = 0; i < result.size(); ++i) {
    const auto index = i / static_cast<size_t>(shape.inner) % static_cast<size_t>(shape.extent);
    result[i] =
        (result[i] - weights[0][index]) / std::max(std::sqrt(weights[1][index]), kLeastDeviation);
  }
  return result;
}

// Two passes, so that a large mean takes nothing from a small variance.
std::vector<std::vector<float>> Adapt(const v1::Layer& layer, const Shape& input,
                                      const AdaptRows& rows) {
  const kernels::StandardizationShape shape = ShapeOf(layer.normalization(), input);
  const auto extent = static_cast<size_t>(shape.extent);
  const double values = static_cast<double>(rows.count * shape.outer * shape.inner);
  const auto mean_of = [&](const auto& value) {
    std::vector<double> sums(extent, 0.0);
    for (int64_t row = 0; row < rows.count; ++row) {
      const std::span<const float> x = rows.row(row);
      for (size_t i = 0; i < x.size(); ++i) {
        const size_t index = i / static_cast<size_t>(shape.inner) % extent;
        sums[index] += value(static_cast<double>(x[i]), index);
      }
    }
    for (double& sum : sums) sum /= values;
    return sums;
  };
  const std::vector<double> mean = mean_of([](double x, size_t) { return x; });
  const std::vector<double> variance =
      mean_of([&](double x, size_t index) { return (x - mean[index]) * (x - mean[index]); });
  return {{mean.begin(), mean.end()}, {variance.begin(), variance.end()}};
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const Shape& shape = use.shapes[0];
  ASSIGN_OR_RETURN(const size_t axis,
                   AxisOf("axis", use.spec.normalization().axis(), shape.size()));
  // Later axes are all alike.
  Shape along(shape.size() - axis, 1);
  along[0] = shape[axis];
  onnx::Tensor mean = use.weights[0];
  onnx::Tensor variance = use.weights[1];
  mean.shape = variance.shape = along;
  const onnx::Value distance = model.Node("Sub", {use.inputs[0], model.Constant(mean)});
  return DividedByAtLeast(distance, model.Node("Sqrt", {model.Constant(variance)}), kLeastDeviation,
                          model);
}

std::vector<Sample> Samples() {
  v1::Layer layer;
  v1::Normalization& spec = *layer.mutable_normalization();
  std::vector<Sample> samples = {{layer, {{7}}}, {layer, {{3, 2, 17}}}};
  spec.set_axis(1);
  samples.push_back({layer, {{3, 5}}});
  spec.set_axis(2);
  spec.set_mean(0.5);
  spec.set_variance(4);
  samples.push_back({layer, {{2, 3, 5}}});
  return samples;
}

}  // namespace

extern const LayerKind normalization_kind;
constinit const LayerKind normalization_kind = {
    .field = v1::Layer::kNormalization,
    .documentation =
        "(x - mean) / max(sqrt(variance), 1e-7) with the training rows' mean and variance of each "
        "index of an axis.",
    .source = "Keras, Normalization",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Infer,
    .weights = Weights,
    .lower = Lower,
    .reference = Reference,
    .adapts = Adapts,
    .adapt = Adapt,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
