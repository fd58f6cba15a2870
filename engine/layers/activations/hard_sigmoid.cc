// SPDX-License-Identifier: Apache-2.0
// Hard sigmoid: 0.2 * x + 0.5, cut to 0 ... 1.
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
  return kernels::MakeActivation("hard_sigmoid", &kernels::ActivationTable::hard_sigmoid, 0,
                                 values);
}

std::vector<double> Reference(const v1::Activation&, std::span<const double> x) {
  std::vector<double> y;
  for (const double value : x) y.push_back(std::fmin(1.0, std::fmax(0.0, 0.2 * value + 0.5)));
  return y;
}

onnx::Value OnnxRows(const v1::Activation&, const onnx::Value& x, std::span<const onnx::Tensor>,
                     onnx::ModelWriter& model) {
  return model.Node("HardSigmoid", {x}, {{"alpha", 0.2F}, {"beta", 0.5F}});
}

std::vector<v1::Activation> Samples() {
  v1::Activation spec;
  spec.mutable_hard_sigmoid();
  return {spec};
}

}  // namespace

extern const ActivationKind hard_sigmoid_kind;
constinit const ActivationKind hard_sigmoid_kind = {
    .field = v1::Activation::kHardSigmoid,
    .documentation = "0.2 * x + 0.5, cut to 0 ... 1.",
    .source = "Keras, hard_sigmoid",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
};

}  // namespace gradus::activations
