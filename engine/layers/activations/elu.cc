// SPDX-License-Identifier: Apache-2.0
// Elu: x, below 0 alpha * (exp(x) - 1).
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/activation.h"
#include "engine/layers/activations/kind.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation& spec) {
  if (!spec.elu().has_alpha()) spec.mutable_elu()->set_alpha(1);
  const double value = spec.elu().alpha();
  if (std::isfinite(value) && std::isfinite(static_cast<float>(value))) return absl::OkStatus();
  return base::InvalidArgument("alpha", absl::StrCat(value), "a finite number");
}

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation& spec,
                                                    std::span<const int64_t> shape) {
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  return kernels::MakeActivation("elu", &kernels::ActivationTable::elu,
                                 static_cast<float>(spec.elu().alpha()), values);
}

std::vector<double> Reference(const v1::Activation& spec, std::span<const double> x) {
  const double alpha = spec.elu().alpha();
  std::vector<double> y;
  for (const double value : x) y.push_back(value < 0 ? alpha * std::expm1(value) : value);
  return y;
}

onnx::Value OnnxRows(const v1::Activation& spec, const onnx::Value& x,
                     std::span<const onnx::Tensor>, onnx::ModelWriter& model) {
  return model.Node("Elu", {x}, {{"alpha", static_cast<float>(spec.elu().alpha())}});
}

std::vector<v1::Activation> Samples() {
  v1::Activation plain;
  plain.mutable_elu();
  v1::Activation set;
  set.mutable_elu()->set_alpha(0.5);
  return {plain, set};
}

}  // namespace

extern const ActivationKind elu_kind;
constinit const ActivationKind elu_kind = {
    .field = v1::Activation::kElu,
    .documentation = "x, below 0 alpha * (exp(x) - 1).",
    .source = "Clevert, Unterthiner, Hochreiter 2016, eq. 15; Keras, ELU",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
};

}  // namespace gradus::activations
