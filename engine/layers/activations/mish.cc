// SPDX-License-Identifier: Apache-2.0
// Mish: x * tanh(log(1 + exp(x))).
#include <cmath>

#include "engine/kernels/activation.h"
#include "engine/layers/activations/kind.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation&) { return absl::OkStatus(); }

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation&,
                                                    std::span<const int64_t> shape) {
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  return kernels::MakeActivation("mish", &kernels::ActivationTable::mish, 0, values);
}

std::vector<double> Reference(const v1::Activation&, std::span<const double> x) {
  std::vector<double> y;
  for (const double value : x) y.push_back(value * std::tanh(std::log1p(std::exp(value))));
  return y;
}

onnx::Value OnnxRows(const v1::Activation&, const onnx::Value& x, std::span<const onnx::Tensor>,
                     onnx::ModelWriter& model) {
  return model.Node("Mul", {x, model.Node("Tanh", {model.Node("Softplus", {x})})});
}

std::vector<v1::Activation> Samples() {
  v1::Activation spec;
  spec.mutable_mish();
  return {spec};
}

}  // namespace

extern const ActivationKind mish_kind;
constinit const ActivationKind mish_kind = {
    .field = v1::Activation::kMish,
    .documentation = "x * tanh(log(1 + exp(x))).",
    .source = "Misra 2019, eq. 1",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
};

}  // namespace gradus::activations
