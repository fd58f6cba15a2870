// SPDX-License-Identifier: Apache-2.0
// Gelu: x times the normal distribution function at x.
#include <cmath>

#include "engine/kernels/activation.h"
#include "engine/layers/activations/kind.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation& spec) {
  if (!spec.gelu().has_approximate()) spec.mutable_gelu()->set_approximate(false);
  return absl::OkStatus();
}

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation& spec,
                                                    std::span<const int64_t> shape) {
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  return kernels::MakeActivation("gelu",
                                 spec.gelu().approximate() ? &kernels::ActivationTable::gelu_tanh
                                                           : &kernels::ActivationTable::gelu,
                                 0, values);
}

std::vector<double> Reference(const v1::Activation& spec, std::span<const double> x) {
  const bool approximate = spec.gelu().approximate();
  std::vector<double> y;
  for (const double value : x)
    y.push_back(approximate ? 0.5 * value *
                                  (1 + std::tanh(std::sqrt(2 / M_PI) *
                                                 (value + 0.044715 * value * value * value)))
                            : 0.5 * value * (1 + std::erf(value / std::sqrt(2.0))));
  return y;
}

onnx::Value OnnxRows(const v1::Activation& spec, const onnx::Value& x,
                     std::span<const onnx::Tensor>, onnx::ModelWriter& model) {
  const onnx::Value half = model.Node("Mul", {x, model.Scalar("half", 0.5)});
  onnx::Value y;
  if (spec.gelu().approximate()) {
    const onnx::Value square = model.Node("Mul", {x, x});
    const onnx::Value cube =
        model.Node("Mul", {model.Node("Mul", {square, x}), model.Scalar("of_cube", 0.044715)});
    const onnx::Value sum = model.Node("Add", {x, cube});
    y = model.Node("Tanh", {model.Node("Mul", {sum, model.Scalar("of_sum", std::sqrt(2 / M_PI))})});
  } else {
    y = model.Node("Erf", {model.Node("Div", {x, model.Scalar("root_of_2", std::sqrt(2.0))})});
  }
  return model.Node("Mul", {half, model.Node("Add", {y, model.Scalar("one", 1)})});
}

std::vector<v1::Activation> Samples() {
  v1::Activation plain;
  plain.mutable_gelu();
  v1::Activation set;
  set.mutable_gelu()->set_approximate(true);
  return {plain, set};
}

}  // namespace

extern const ActivationKind gelu_kind;
constinit const ActivationKind gelu_kind = {
    .field = v1::Activation::kGelu,
    .documentation = "x times the normal distribution function at x, or its form with tanh.",
    .source = "Hendrycks and Gimpel 2016, sec. 2; Keras, gelu",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
};

}  // namespace gradus::activations
