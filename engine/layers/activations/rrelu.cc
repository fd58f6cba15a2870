// SPDX-License-Identifier: Apache-2.0
// Randomized relu: x, below 0 a random slope times x.
#include "engine/base/status.h"
#include "engine/kernels/random_slopes.h"
#include "engine/layers/activations/kind.h"
#include "engine/layers/settings.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation& activation) {
  v1::Rrelu& spec = *activation.mutable_rrelu();
  if (!spec.has_lower()) spec.set_lower(1.0 / 8);
  if (!spec.has_upper()) spec.set_upper(1.0 / 3);
  RETURN_IF_ERROR(layers::CheckAtLeast("lower", spec.lower(), 0));
  return layers::CheckAtLeast("upper", spec.upper(), spec.lower());
}

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation& spec,
                                                    std::span<const int64_t> shape) {
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  return kernels::MakeRandomSlopes(static_cast<float>(spec.rrelu().lower()),
                                   static_cast<float>(spec.rrelu().upper()), values);
}

std::vector<double> Reference(const v1::Activation& spec, std::span<const double> x) {
  const double slope = (spec.rrelu().lower() + spec.rrelu().upper()) / 2;
  std::vector<double> y;
  for (const double value : x) y.push_back(value < 0 ? slope * value : value);
  return y;
}

onnx::Value OnnxRows(const v1::Activation& spec, const onnx::Value& x,
                     std::span<const onnx::Tensor>, onnx::ModelWriter& model) {
  const double slope = (spec.rrelu().lower() + spec.rrelu().upper()) / 2;
  return model.Node("LeakyRelu", {x}, {{"alpha", static_cast<float>(slope)}});
}

std::vector<v1::Activation> Samples() {
  v1::Activation plain;
  plain.mutable_rrelu();
  v1::Activation set;
  set.mutable_rrelu()->set_lower(0.5);
  set.mutable_rrelu()->set_upper(1.5);
  return {plain, set};
}

}  // namespace

extern const ActivationKind rrelu_kind;
constinit const ActivationKind rrelu_kind = {
    .field = v1::Activation::kRrelu,
    .documentation =
        "x, below 0 a slope times x: in training each element's own, drawn uniformly "
        "from lower to upper, else the mean of these.",
    .source = "Xu, Wang, Chen, Li 2015; PyTorch, RReLU",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
    .random = true,
};

}  // namespace gradus::activations
