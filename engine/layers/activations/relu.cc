// SPDX-License-Identifier: Apache-2.0
// Relu: max(x, 0).
#include "engine/kernels/eltwise.h"
#include "engine/layers/activations/kind.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation&) { return absl::OkStatus(); }

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation&,
                                                    std::span<const int64_t> shape) {
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  return kernels::MakeEltwise(kernels::kRelu, values);
}

std::vector<double> Reference(const v1::Activation&, std::span<const double> x) {
  std::vector<double> y;
  for (const double value : x) y.push_back(value > 0 ? value : 0);
  return y;
}

std::vector<v1::Activation> Samples() {
  v1::Activation spec;
  spec.mutable_relu();
  return {spec};
}

}  // namespace

extern const ActivationKind relu_kind;
constinit const ActivationKind relu_kind = {
    .field = v1::Activation::kRelu,
    .documentation = "max(x, 0).",
    .source = "Nair and Hinton 2010",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::activations
