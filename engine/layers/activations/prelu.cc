// SPDX-License-Identifier: Apache-2.0
// Parametric relu: x, below 0 a learned slope times x.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/slopes.h"
#include "engine/layers/activations/kind.h"
#include "engine/layers/settings.h"

namespace gradus::activations {
namespace {

absl::Status CheckSettings(v1::Activation& activation) {
  v1::Prelu& spec = *activation.mutable_prelu();
  if (spec.alpha_initializer().kind_case() == v1::Initializer::KIND_NOT_SET)
    spec.mutable_alpha_initializer()->mutable_zeros();
  return absl::OkStatus();
}

absl::Status CheckAxes(const v1::Activation& activation, std::span<const int64_t> shape) {
  const v1::Prelu& spec = activation.prelu();
  std::vector<size_t> seen;
  for (int i = 0; i < spec.shared_axes_size(); ++i) {
    const std::string path = absl::StrCat("shared_axes[", i, "]");
    ASSIGN_OR_RETURN(const size_t axis, layers::AxisOf(path, spec.shared_axes(i), shape.size()));
    if (std::ranges::find(seen, axis) != seen.end()) {
      return base::InvalidArgument(path, absl::StrCat(spec.shared_axes(i)),
                                   "an axis that is not named before");
    }
    seen.push_back(axis);
  }
  return absl::OkStatus();
}

// Of alpha. REQUIRES: the axes are checked.
std::vector<int64_t> AlphaShape(const v1::Activation& spec, std::span<const int64_t> shape) {
  std::vector<int64_t> alpha(shape.begin(), shape.end());
  for (const int64_t axis : spec.prelu().shared_axes())
    alpha[layers::AxisOf("", axis, shape.size()).value()] = 1;
  return alpha;
}

// Which element of alpha each value of a row has.
std::vector<int32_t> PlacesOf(std::span<const int64_t> alpha, std::span<const int64_t> shape) {
  std::vector<int32_t> places = {0};
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    std::vector<int32_t> finer;
    finer.reserve(places.size() * static_cast<size_t>(shape[axis]));
    for (const int32_t place : places) {
      for (int64_t i = 0; i < shape[axis]; ++i)
        finer.push_back(static_cast<int32_t>(place * alpha[axis] + (alpha[axis] == 1 ? 0 : i)));
    }
    places = std::move(finer);
  }
  return places;
}

std::vector<layers::Weight> RowWeights(const v1::Activation& spec, std::span<const int64_t> shape) {
  const std::vector<int64_t> alpha = AlphaShape(spec, shape);
  // As Keras has it for kernels, whatever the axes are.
  const size_t rank = alpha.size();
  int64_t window = 1;
  for (size_t axis = 0; axis + 2 < rank; ++axis) window *= alpha[axis];
  return {{.name = "alpha",
           .shape = alpha,
           .initializer = spec.prelu().alpha_initializer(),
           .fan_in = window * alpha[rank > 1 ? rank - 2 : 0],
           .fan_out = window * alpha[rank - 1]}};
}

std::unique_ptr<const kernels::Operation> LowerRows(const v1::Activation& spec,
                                                    std::span<const int64_t> shape) {
  const std::vector<int64_t> alpha = AlphaShape(spec, shape);
  int64_t values = 1;
  for (const int64_t extent : shape) values *= extent;
  int64_t slopes = 1;
  for (const int64_t extent : alpha) slopes *= extent;
  const bool own = std::ranges::equal(alpha, shape);
  return kernels::MakeSlopes(values, slopes, own ? std::vector<int32_t>() : PlacesOf(alpha, shape));
}

// Each value with its own alpha.
std::vector<double> SlopedBy(const std::vector<double>& alphas, std::span<const double> x) {
  std::vector<double> y;
  for (size_t i = 0; i < x.size(); ++i) y.push_back(x[i] < 0 ? alphas[i] * x[i] : x[i]);
  return y;
}

// With alpha as it is by default.
std::vector<double> Reference(const v1::Activation&, std::span<const double> x) {
  return SlopedBy(std::vector<double>(x.size(), 0), x);
}

std::vector<double> WeightedReference(const v1::Activation& spec, std::span<const int64_t> shape,
                                      std::span<const double> x,
                                      std::span<const std::vector<double>> weights) {
  const std::vector<int64_t> alpha = AlphaShape(spec, shape);
  std::vector<double> alphas;
  for (size_t i = 0; i < x.size(); ++i) {
    // From the last axis on.
    auto rest = static_cast<int64_t>(i);
    int64_t step = 1;
    int64_t at = 0;
    for (size_t axis = shape.size(); axis-- > 0;) {
      if (alpha[axis] != 1) at += rest % shape[axis] * step;
      rest /= shape[axis];
      step *= alpha[axis];
    }
    alphas.push_back(weights[0][static_cast<size_t>(at)]);
  }
  return SlopedBy(alphas, x);
}

onnx::Value OnnxRows(const v1::Activation&, const onnx::Value& x,
                     std::span<const onnx::Tensor> weights, onnx::ModelWriter& model) {
  // Alpha has the axes of a row.
  return model.Node("PRelu", {x, model.Constant(weights[0])});
}

std::vector<v1::Activation> Samples() {
  v1::Activation plain;
  plain.mutable_prelu();
  v1::Activation first;
  first.mutable_prelu()->add_shared_axes(1);
  v1::Activation last;
  last.mutable_prelu()->add_shared_axes(-1);
  return {plain, first, last};
}

}  // namespace

extern const ActivationKind prelu_kind;
constinit const ActivationKind prelu_kind = {
    .field = v1::Activation::kPrelu,
    .documentation = "x, below 0 alpha * x, with alpha a weight.",
    .source = "He, Zhang, Ren, Sun 2015, eq. 1; Keras, PReLU",
    .check = CheckSettings,
    .lower = LowerRows,
    .reference = Reference,
    .onnx = OnnxRows,
    .samples = Samples,
    .check_shape = CheckAxes,
    .weights = RowWeights,
    .weighted_reference = WeightedReference,
};

}  // namespace gradus::activations
