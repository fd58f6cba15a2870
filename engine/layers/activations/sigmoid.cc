// SPDX-License-Identifier: Apache-2.0
// Sigmoid: 1 / (1 + exp(-x)).
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
  return kernels::MakeEltwise(kernels::kSigmoid, values);
}

std::vector<double> Reference(const v1::Activation&, std::span<const double> x) {
  std::vector<double> y;
  for (const double value : x) y.push_back(1 / (1 + std::exp(-value)));
  return y;
}

onnx::Value OnnxRows(const v1::Activation&, const onnx::Value& x, std::span<const onnx::Tensor>,
                     onnx::ModelWriter& model) {
  return model.Node("Sigmoid", {x});
}

std::vector<v1::Activation> Samples() {
  v1::Activation spec;
  spec.mutable_sigmoid();
  return {spec};
}

}  // namespace

extern const ActivationKind sigmoid_kind;
constinit const ActivationKind sigmoid_kind = {
    .field = v1::Activation::kSigmoid,
    .documentation = "1 / (1 + exp(-x)).",
    .source = "Verhulst 1845, the logistic function",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .onnx_step = {.name = "Sigmoid"},
    .samples = Samples,
};

}  // namespace gradus::activations
