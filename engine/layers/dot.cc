// SPDX-License-Identifier: Apache-2.0
// Dot: sums of products of two inputs along one axis of each.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/contraction.h"
#include "engine/layers/extents.h"
#include "engine/layers/kind.h"
#include "engine/layers/settings.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

constexpr size_t kMostRank = 3;
// Vectors are divided by their length, or by this.
constexpr double kLeastLength = 1e-7;

absl::Status Check(v1::Layer& layer) {
  v1::Dot& spec = *layer.mutable_dot();
  if (spec.axes_size() < 1 || spec.axes_size() > 2)
    return base::InvalidArgument("axes", absl::StrCat(spec.axes_size(), " entries"),
                                 "an axis, or one for each input");
  if (!spec.has_normalize()) spec.set_normalize(false);
  return absl::OkStatus();
}

absl::StatusOr<size_t> AxisOfInput(const v1::Dot& spec, std::span<const Shape> inputs, int input) {
  const int entry = std::min(input, spec.axes_size() - 1);
  return AxisOf(absl::StrCat("axes[", entry, "]"), spec.axes(entry),
                inputs[static_cast<size_t>(input)].size());
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  Shape shape;
  int64_t extents[2] = {};
  for (const int input : {0, 1}) {
    Shape rest = inputs[static_cast<size_t>(input)];
    if (rest.size() > kMostRank) {
      return absl::InvalidArgumentError(
          absl::StrCat("an input of shape ", TextOf(rest), " has more than ", kMostRank, " axes"));
    }
    ASSIGN_OR_RETURN(const size_t axis, AxisOfInput(layer.dot(), inputs, input));
    extents[input] = rest[axis];
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(axis));
    shape.insert(shape.end(), rest.begin(), rest.end());
  }
  if (extents[0] != extents[1]) {
    return base::InvalidArgument("axes",
                                 absl::StrCat("lengths of ", extents[0], " and ", extents[1]),
                                 absl::StrCat("axes of one length in inputs of shapes ",
                                              TextOf(inputs[0]), " and ", TextOf(inputs[1])));
  }
  if (shape.empty()) shape.push_back(1);
  return shape;
}

kernels::ContractedAxis Contracted(const v1::Dot& spec, std::span<const Shape> inputs, int input) {
  const std::span<const int64_t> shape = inputs[static_cast<size_t>(input)];
  const size_t axis = AxisOfInput(spec, inputs, input).value();
  return {CountOf(shape.first(axis)), shape[axis], CountOf(shape.subspan(axis + 1))};
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Dot& spec = layer.dot();
  return OneLink(kernels::MakeContraction(Contracted(spec, inputs, 0), Contracted(spec, inputs, 1),
                                          spec.normalize()));
}

// Vectors along the axis, in C order of what is left.
std::vector<std::vector<double>> Vectors(const kernels::ContractedAxis& axis, bool normalize,
                                         const std::vector<double>& input) {
  std::vector<std::vector<double>> vectors;
  for (int64_t i = 0; i < axis.before; ++i) {
    for (int64_t j = 0; j < axis.behind; ++j) {
      std::vector<double> vector;
      double square = 0;
      for (int64_t c = 0; c < axis.extent; ++c) {
        vector.push_back(input[static_cast<size_t>((i * axis.extent + c) * axis.behind + j)]);
        square += vector.back() * vector.back();
      }
      const double factor = normalize ? 1 / std::max(std::sqrt(square), kLeastLength) : 1;
      for (double& value : vector) value *= factor;
      vectors.push_back(std::move(vector));
    }
  }
  return vectors;
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  const v1::Dot& spec = layer.dot();
  const auto first = Vectors(Contracted(spec, shapes, 0), spec.normalize(), inputs[0]);
  const auto second = Vectors(Contracted(spec, shapes, 1), spec.normalize(), inputs[1]);
  std::vector<double> result;
  for (const std::vector<double>& x : first) {
    for (const std::vector<double>& y : second) {
      double sum = 0;
      for (size_t c = 0; c < x.size(); ++c) sum += x[c] * y[c];
      result.push_back(sum);
    }
  }
  return result;
}

// One letter an axis: n the batch, c the common one.
onnx::Value OnnxSum(const std::string& first, const std::string& second,
                    std::span<const onnx::Value> inputs, onnx::ModelWriter& model) {
  std::string rest = first.substr(1) + second.substr(1);
  std::erase(rest, 'c');
  const onnx::Value sum = model.Node("Einsum", {inputs[0], inputs[1]},
                                     {{"equation", absl::StrCat(first, ",", second, "->n", rest)}});
  return rest.empty() ? Reshaped(sum, {1}, model) : sum;
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const v1::Dot& spec = use.spec.dot();
  std::vector<onnx::Value> inputs(use.inputs.begin(), use.inputs.end());
  std::string axes[2] = {"n", "n"};
  char next = 'o';
  for (const int input : {0, 1}) {
    const auto i = static_cast<size_t>(input);
    ASSIGN_OR_RETURN(const size_t axis, AxisOfInput(spec, use.shapes, input));
    for (size_t k = 0; k < use.shapes[i].size(); ++k) axes[i] += k == axis ? 'c' : next++;
    if (!spec.normalize()) continue;
    const onnx::Value length = model.Node(
        "ReduceL2", {inputs[i]}, {{"axes", std::vector<int64_t>{static_cast<int64_t>(axis) + 1}}});
    inputs[i] = DividedByAtLeast(inputs[i], length, kLeastLength, model);
  }
  return OnnxSum(axes[0], axes[1], inputs, model);
}

Sample MakeSample(const std::vector<int64_t>& axes, bool normalize, std::vector<Shape> inputs) {
  Sample sample;
  for (const int64_t axis : axes) sample.spec.mutable_dot()->add_axes(axis);
  sample.spec.mutable_dot()->set_normalize(normalize);
  sample.inputs = std::move(inputs);
  return sample;
}

std::vector<Sample> Samples() {
  return {
      MakeSample({-1}, false, {{1}, {1}}),           MakeSample({1}, false, {{19}, {19}}),
      MakeSample({1}, true, {{33}, {33}}),           MakeSample({-1}, false, {{3, 5}, {4, 5}}),
      MakeSample({2, 1}, false, {{3, 7}, {7, 2}}),   MakeSample({1, -1}, true, {{5, 3}, {2, 5}}),
      MakeSample({2}, true, {{2, 4, 3}, {3, 4, 2}}), MakeSample({3, 1}, false, {{2, 3, 4}, {4}})};
}

}  // namespace

extern const LayerKind dot_kind;
constinit const LayerKind dot_kind = {
    .field = v1::Layer::kDot,
    .documentation = "Sums of products of two inputs along one axis of each.",
    .source = "Keras, Dot",
    .min_inputs = 2,
    .max_inputs = 2,
    .check = Check,
    .infer = Infer,
    .weights = NoWeights,
    .lower = Lower,
    .reference = Reference,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
