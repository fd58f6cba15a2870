// SPDX-License-Identifier: Apache-2.0
// Concatenate: inputs one behind the other along an axis.
#include "absl/strings/str_cat.h"
#include "engine/base/checked.h"
#include "engine/base/status.h"
#include "engine/kernels/concatenation.h"
#include "engine/layers/extents.h"
#include "engine/layers/merging.h"
#include "engine/layers/settings.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& spec) {
  if (!spec.concatenate().has_axis()) spec.mutable_concatenate()->set_axis(-1);
  return absl::OkStatus();
}

absl::StatusOr<Shape> Infer(const v1::Layer& spec, std::span<const Shape> inputs) {
  Shape shape = inputs[0];
  ASSIGN_OR_RETURN(const size_t axis, AxisOf("axis", spec.concatenate().axis(), shape.size()));
  for (const Shape& input : inputs.subspan(1)) {
    bool fits = input.size() == shape.size();
    for (size_t i = 0; fits && i < shape.size(); ++i) fits = i == axis || input[i] == shape[i];
    if (!fits) {
      return absl::InvalidArgumentError(absl::StrCat("inputs of shapes ", TextOf(inputs[0]),
                                                     " and ", TextOf(input), " differ beside axis ",
                                                     axis + 1));
    }
    ASSIGN_OR_RETURN(shape[axis], base::CheckedAdd(shape[axis], input[axis]));
  }
  return shape;
}

std::vector<Lowered> Lower(const v1::Layer& spec, std::span<const Shape> inputs) {
  const size_t axis = AxisOf("axis", spec.concatenate().axis(), inputs[0].size()).value();
  const std::span<const int64_t> first = inputs[0];
  std::vector<int64_t> widths;
  for (const Shape& input : inputs) widths.push_back(CountOf(std::span(input).subspan(axis)));
  return OneLink(kernels::MakeConcatenation(CountOf(first.first(axis)), std::move(widths)));
}

std::vector<double> Reference(const v1::Layer& spec, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  const size_t rank = shapes[0].size();
  const int64_t axis = spec.concatenate().axis();
  size_t groups = 1;
  for (size_t i = 0;
       i + 1 < (axis > 0 ? static_cast<size_t>(axis) : rank + 1 - static_cast<size_t>(-axis)); ++i)
    groups *= static_cast<size_t>(shapes[0][i]);
  std::vector<double> result;
  for (size_t group = 0; group < groups; ++group) {
    for (const std::vector<double>& input : inputs) {
      const size_t width = input.size() / groups;
      for (size_t i = 0; i < width; ++i) result.push_back(input[group * width + i]);
    }
  }
  return result;
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  ASSIGN_OR_RETURN(const size_t axis,
                   AxisOf("axis", use.spec.concatenate().axis(), use.shapes[0].size()));
  return model.Node("Concat", {use.inputs.begin(), use.inputs.end()},
                    {{"axis", static_cast<int64_t>(axis) + 1}});
}

std::vector<Sample> Samples() {
  v1::Layer last;
  last.mutable_concatenate();
  v1::Layer first;
  first.mutable_concatenate()->set_axis(1);
  v1::Layer middle;
  middle.mutable_concatenate()->set_axis(-2);
  return {{last, {{1}, {1}}},
          {last, {{7}, {19}, {33}}},
          {last, {{3, 5}, {3, 2}}},
          {first, {{2, 3}, {4, 3}, {1, 3}}},
          {middle, {{2, 3, 5}, {2, 1, 5}}}};
}

}  // namespace

extern const LayerKind concatenate_kind;
constinit const LayerKind concatenate_kind = {
    .field = v1::Layer::kConcatenate,
    .documentation = "Inputs one behind the other along an axis.",
    .source = "Keras, Concatenate",
    .min_inputs = 2,
    .max_inputs = kMostMerged,
    .check = Check,
    .infer = Infer,
    .weights = NoWeights,
    .lower = Lower,
    .reference = Reference,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
