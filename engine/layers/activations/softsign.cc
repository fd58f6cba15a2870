// SPDX-License-Identifier: Apache-2.0
// Softsign: x / (1 + |x|).
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
  return kernels::MakeActivation("softsign", &kernels::ActivationTable::softsign, 0, values);
}

std::vector<double> Reference(const v1::Activation&, std::span<const double> x) {
  std::vector<double> y;
  for (const double value : x) y.push_back(value / (1 + std::abs(value)));
  return y;
}

onnx::Value OnnxRows(const v1::Activation&, const onnx::Value& x, std::span<const onnx::Tensor>,
                     onnx::ModelWriter& model) {
  return model.Node("Softsign", {x});
}

std::vector<v1::Activation> Samples() {
  v1::Activation spec;
  spec.mutable_softsign();
  return {spec};
}

}  // namespace

extern const ActivationKind softsign_kind;
constinit const ActivationKind softsign_kind = {
    .field = v1::Activation::kSoftsign,
    .documentation = "x / (1 + |x|).",
    .source = "Turian, Bergstra, Bengio 2009; Keras, softsign",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
};

}  // namespace gradus::activations
