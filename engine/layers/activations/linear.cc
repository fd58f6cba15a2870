// SPDX-License-Identifier: Apache-2.0
// Linear: x.
#include "engine/layers/activations/kind.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation&) { return absl::OkStatus(); }

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation&,
                                                    std::span<const int64_t>) {
  return nullptr;
}

std::vector<double> Reference(const v1::Activation&, std::span<const double> x) {
  return {x.begin(), x.end()};
}

onnx::Value OnnxRows(const v1::Activation&, const onnx::Value& x, std::span<const onnx::Tensor>,
                     onnx::ModelWriter&) {
  return x;
}

std::vector<v1::Activation> Samples() {
  v1::Activation spec;
  spec.mutable_linear();
  return {spec};
}

}  // namespace

extern const ActivationKind linear_kind;
constinit const ActivationKind linear_kind = {
    .field = v1::Activation::kLinear,
    .documentation = "x.",
    .source = "Keras, linear",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .onnx_step = {.name = "Affine", .alpha = 1.0F, .beta = 0.0F},
    .samples = Samples,
};

}  // namespace gradus::activations
