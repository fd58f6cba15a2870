// SPDX-License-Identifier: Apache-2.0
// Relu: max(x, 0), or with a slope, a threshold and an end.
#include <limits>

#include "engine/base/status.h"
#include "engine/kernels/activation.h"
#include "engine/kernels/eltwise.h"
#include "engine/layers/activations/kind.h"
#include "engine/layers/settings.h"

namespace gradus::activations {
namespace {

// What is not set is 0 and may stay so: relu is the one word that it is in a job file.
absl::Status CheckSettings(v1::Activation& activation) {
  const v1::Relu& spec = activation.relu();
  RETURN_IF_ERROR(layers::CheckAtLeast("negative_slope", spec.negative_slope(), 0));
  RETURN_IF_ERROR(layers::CheckAtLeast("threshold", spec.threshold(), 0));
  if (!spec.has_max_value()) return absl::OkStatus();
  return layers::CheckAtLeast("max_value", spec.max_value(), spec.threshold());
}

double MostOf(const v1::Relu& spec) {
  return spec.has_max_value() ? spec.max_value() : std::numeric_limits<double>::infinity();
}

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation& activation,
                                                    std::span<const int64_t> shape) {
  const v1::Relu& spec = activation.relu();
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  // As it stands it can be part of the kernel before it.
  if (!spec.has_max_value() && spec.negative_slope() == 0 && spec.threshold() == 0)
    return kernels::MakeEltwise(kernels::kRelu, values);
  return kernels::MakeRamp({.most = static_cast<float>(MostOf(spec)),
                            .slope = static_cast<float>(spec.negative_slope()),
                            .threshold = static_cast<float>(spec.threshold())},
                           values);
}

std::vector<double> Reference(const v1::Activation& activation, std::span<const double> x) {
  const v1::Relu& spec = activation.relu();
  std::vector<double> y;
  for (const double value : x) {
    if (value >= MostOf(spec)) {
      y.push_back(MostOf(spec));
    } else if (value >= spec.threshold()) {
      y.push_back(value);
    } else {
      y.push_back(spec.negative_slope() * (value - spec.threshold()));
    }
  }
  return y;
}

onnx::Value OnnxRows(const v1::Activation& spec, const onnx::Value& x,
                     std::span<const onnx::Tensor>, onnx::ModelWriter& model) {
  const v1::Relu& relu = spec.relu();
  if (!relu.has_max_value() && relu.negative_slope() == 0 && relu.threshold() == 0)
    return model.Node("Relu", {x});
  const onnx::Value threshold = model.Scalar("threshold", relu.threshold());
  const onnx::Value below = model.Node(
      "Mul", {model.Node("Sub", {x, threshold}), model.Scalar("slope", relu.negative_slope())});
  const onnx::Value above =
      relu.has_max_value() ? model.Node("Min", {x, model.Scalar("max_value", relu.max_value())})
                           : x;
  return model.Node("Where", {model.Node("Less", {x, threshold}), below, above});
}

std::vector<v1::Activation> Samples() {
  v1::Activation plain;
  plain.mutable_relu();
  v1::Activation capped;
  capped.mutable_relu()->set_max_value(1.25);
  v1::Activation all;
  all.mutable_relu()->set_max_value(1.5);
  all.mutable_relu()->set_negative_slope(0.2);
  all.mutable_relu()->set_threshold(0.4);
  return {plain, capped, all};
}

}  // namespace

extern const ActivationKind relu_kind;
constinit const ActivationKind relu_kind = {
    .field = v1::Activation::kRelu,
    .documentation =
        "max(x, 0); in general max_value from there on, x from the threshold on, and "
        "negative_slope * (x - threshold) below.",
    .source = "Nair and Hinton 2010; Keras, ReLU",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .onnx_step = {.name = "Relu"},
    .samples = Samples,
};

}  // namespace gradus::activations
