// SPDX-License-Identifier: Apache-2.0
// Swish: x * sigmoid(beta * x).
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/activation.h"
#include "engine/layers/activations/kind.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation& spec) {
  if (!spec.swish().has_beta()) spec.mutable_swish()->set_beta(1);
  if (!spec.swish().has_trainable()) spec.mutable_swish()->set_trainable(false);
  const double value = spec.swish().beta();
  if (std::isfinite(value) && std::isfinite(static_cast<float>(value))) return absl::OkStatus();
  return base::InvalidArgument("beta", absl::StrCat(value), "a finite number");
}

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation& spec,
                                                    std::span<const int64_t> shape) {
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  if (spec.swish().trainable())
    return kernels::MakeTrainedActivation("swish", &kernels::ActivationTable::swish, values);
  return kernels::MakeActivation("swish", &kernels::ActivationTable::swish,
                                 static_cast<float>(spec.swish().beta()), values);
}

std::vector<layers::Weight> RowWeights(const v1::Activation& spec, std::span<const int64_t>) {
  if (!spec.swish().trainable()) return {};
  layers::Weight beta = {.name = "beta", .shape = {1}, .fan_in = 1, .fan_out = 1};
  beta.initializer.mutable_constant()->set_value(spec.swish().beta());
  return {beta};
}

std::vector<double> ReferenceFor(double beta, std::span<const double> x) {
  std::vector<double> y;
  for (const double value : x) y.push_back(value / (1 + std::exp(-beta * value)));
  return y;
}

std::vector<double> Reference(const v1::Activation& spec, std::span<const double> x) {
  return ReferenceFor(spec.swish().beta(), x);
}

std::vector<double> WeightedReference(const v1::Activation&, std::span<const int64_t>,
                                      std::span<const double> x,
                                      std::span<const std::vector<double>> weights) {
  return ReferenceFor(weights[0][0], x);
}

onnx::Value OnnxRows(const v1::Activation& spec, const onnx::Value& x,
                     std::span<const onnx::Tensor> weights, onnx::ModelWriter& model) {
  const onnx::Value beta = spec.swish().trainable() ? model.Constant(weights[0])
                                                    : model.Scalar("beta", spec.swish().beta());
  return model.Node("Mul", {x, model.Node("Sigmoid", {model.Node("Mul", {x, beta})})});
}

std::vector<v1::Activation> Samples() {
  v1::Activation plain;
  plain.mutable_swish();
  v1::Activation set;
  set.mutable_swish()->set_beta(1.7);
  v1::Activation trained;
  trained.mutable_swish()->set_trainable(true);
  return {plain, set, trained};
}

}  // namespace

extern const ActivationKind swish_kind;
constinit const ActivationKind swish_kind = {
    .field = v1::Activation::kSwish,
    .documentation = "x * sigmoid(beta * x); beta may be a weight.",
    .source = "Ramachandran, Zoph, Le 2017; Hendrycks and Gimpel 2016 (SiLU)",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
    .weights = RowWeights,
    .weighted_reference = WeightedReference,
};

}  // namespace gradus::activations
