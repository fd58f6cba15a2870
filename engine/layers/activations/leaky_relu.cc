// SPDX-License-Identifier: Apache-2.0
// Leaky relu: x, below 0 alpha * x.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/activation.h"
#include "engine/layers/activations/kind.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation& spec) {
  if (!spec.leaky_relu().has_alpha()) spec.mutable_leaky_relu()->set_alpha(0.3);
  const double value = spec.leaky_relu().alpha();
  if (std::isfinite(value) && std::isfinite(static_cast<float>(value))) return absl::OkStatus();
  return base::InvalidArgument("alpha", absl::StrCat(value), "a finite number");
}

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation& spec,
                                                    std::span<const int64_t> shape) {
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  return kernels::MakeActivation("leaky_relu", &kernels::ActivationTable::leaky_relu,
                                 static_cast<float>(spec.leaky_relu().alpha()), values);
}

std::vector<double> Reference(const v1::Activation& spec, std::span<const double> x) {
  const double alpha = spec.leaky_relu().alpha();
  std::vector<double> y;
  for (const double value : x) y.push_back(value < 0 ? alpha * value : value);
  return y;
}

onnx::Value OnnxRows(const v1::Activation& spec, const onnx::Value& x,
                     std::span<const onnx::Tensor>, onnx::ModelWriter& model) {
  return model.Node("LeakyRelu", {x}, {{"alpha", static_cast<float>(spec.leaky_relu().alpha())}});
}

std::vector<v1::Activation> Samples() {
  v1::Activation plain;
  plain.mutable_leaky_relu();
  v1::Activation set;
  set.mutable_leaky_relu()->set_alpha(0.01);
  return {plain, set};
}

}  // namespace

extern const ActivationKind leaky_relu_kind;
constinit const ActivationKind leaky_relu_kind = {
    .field = v1::Activation::kLeakyRelu,
    .documentation = "x, below 0 alpha * x.",
    .source = "Maas, Hannun, Ng 2013, eq. 2; Keras, LeakyReLU",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
};

}  // namespace gradus::activations
