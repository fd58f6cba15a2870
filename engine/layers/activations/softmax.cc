// SPDX-License-Identifier: Apache-2.0
// Softmax: exp(x_i) / sum_j exp(x_j) along the last axis, computed from x - max(x).
#include <algorithm>
#include <cmath>

#include "engine/kernels/softmax.h"
#include "engine/layers/activations/kind.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation&) { return absl::OkStatus(); }

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation&,
                                                    std::span<const int64_t> shape) {
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  return kernels::MakeSoftmax(values, shape.back());
}

std::vector<double> Reference(const v1::Activation&, std::span<const double> x) {
  const double largest = *std::max_element(x.begin(), x.end());
  std::vector<double> y;
  double sum = 0;
  for (const double value : x) {
    y.push_back(std::exp(value - largest));
    sum += y.back();
  }
  for (double& value : y) value /= sum;
  return y;
}

onnx::Value OnnxRows(const v1::Activation&, const onnx::Value& x, std::span<const onnx::Tensor>,
                     onnx::ModelWriter& model) {
  return model.Node("Softmax", {x}, {{"axis", int64_t{-1}}});
}

std::vector<v1::Activation> Samples() {
  v1::Activation spec;
  spec.mutable_softmax();
  return {spec};
}

}  // namespace

extern const ActivationKind softmax_kind;
constinit const ActivationKind softmax_kind = {
    .field = v1::Activation::kSoftmax,
    .documentation = "exp(x_i) / sum_j exp(x_j) along the last axis.",
    .source = "Bridle 1990",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
};

}  // namespace gradus::activations
