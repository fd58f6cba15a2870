// SPDX-License-Identifier: Apache-2.0
// Tanh: the hyperbolic tangent.
#include <cmath>

#include "engine/kernels/eltwise.h"
#include "engine/layers/activations/kind.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation&) { return absl::OkStatus(); }

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation&,
                                                    std::span<const int64_t> shape) {
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  return kernels::MakeEltwise(kernels::kTanh, values);
}

std::vector<double> Reference(const v1::Activation&, std::span<const double> x) {
  std::vector<double> y;
  for (const double value : x) y.push_back(std::tanh(value));
  return y;
}

onnx::Value OnnxRows(const v1::Activation&, const onnx::Value& x, std::span<const onnx::Tensor>,
                     onnx::ModelWriter& model) {
  return model.Node("Tanh", {x});
}

std::vector<v1::Activation> Samples() {
  v1::Activation spec;
  spec.mutable_tanh();
  return {spec};
}

}  // namespace

extern const ActivationKind tanh_kind;
constinit const ActivationKind tanh_kind = {
    .field = v1::Activation::kTanh,
    .documentation = "tanh(x).",
    .source = "LeCun, Bottou, Orr, Mueller 1998, sec. 4.4",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .onnx_step = {.name = "Tanh"},
    .samples = Samples,
};

}  // namespace gradus::activations
