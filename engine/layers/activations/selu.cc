// SPDX-License-Identifier: Apache-2.0
// Selu: the elu that keeps mean 0 and variance 1.
#include <cmath>

#include "engine/kernels/activation.h"
#include "engine/layers/activations/kind.h"

namespace gradus::activations {
namespace {

constexpr double kScale = 1.0507009873554805;
constexpr double kAlpha = 1.6732632423543772;

absl::Status CheckSettings(v1::Activation&) { return absl::OkStatus(); }

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation&,
                                                    std::span<const int64_t> shape) {
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  return kernels::MakeActivation("selu", &kernels::ActivationTable::selu, 0, values);
}

std::vector<double> Reference(const v1::Activation&, std::span<const double> x) {
  std::vector<double> y;
  for (const double value : x)
    y.push_back(kScale * (value < 0 ? kAlpha * std::expm1(value) : value));
  return y;
}

onnx::Value OnnxRows(const v1::Activation&, const onnx::Value& x, std::span<const onnx::Tensor>,
                     onnx::ModelWriter& model) {
  return model.Node("Selu", {x},
                    {{"alpha", static_cast<float>(kAlpha)}, {"gamma", static_cast<float>(kScale)}});
}

std::vector<v1::Activation> Samples() {
  v1::Activation spec;
  spec.mutable_selu();
  return {spec};
}

}  // namespace

extern const ActivationKind selu_kind;
constinit const ActivationKind selu_kind = {
    .field = v1::Activation::kSelu,
    .documentation = "1.05070098 * elu with alpha 1.67326324.",
    .source = "Klambauer, Unterthiner, Mayr, Hochreiter 2017, eq. 2; Keras, SELU",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
};

}  // namespace gradus::activations
