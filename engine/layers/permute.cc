// SPDX-License-Identifier: Apache-2.0
// Permute: the axes of each row in another order.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/kernels/permutation.h"
#include "engine/layers/extents.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

// Each of 1 ... dims_size() once.
absl::Status Check(v1::Layer& layer) {
  const auto& dims = layer.permute().dims();
  std::vector<bool> seen(static_cast<size_t>(dims.size()), false);
  bool once = !dims.empty();
  for (const int64_t dim : dims) {
    once = once && dim >= 1 && dim <= dims.size() && !seen[static_cast<size_t>(dim - 1)];
    if (once) seen[static_cast<size_t>(dim - 1)] = true;
  }
  if (once) return absl::OkStatus();
  return base::InvalidArgument("dims", TextOf(Shape(dims.begin(), dims.end())),
                               "an order of the input's axes: each of 1, 2, ... once");
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  const auto& dims = layer.permute().dims();
  if (static_cast<size_t>(dims.size()) != inputs[0].size()) {
    return base::InvalidArgument("dims", TextOf(Shape(dims.begin(), dims.end())),
                                 absl::StrCat("an order of the ", inputs[0].size(),
                                              " axes of an input of shape ", TextOf(inputs[0])));
  }
  Shape shape;
  for (const int64_t dim : dims) shape.push_back(inputs[0][static_cast<size_t>(dim - 1)]);
  return shape;
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  std::vector<size_t> axes;
  for (const int64_t dim : layer.permute().dims()) axes.push_back(static_cast<size_t>(dim - 1));
  return OneLink(kernels::MakePermutation(inputs[0], axes));
}

// Counts through the output, last axis first.
std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  const auto& dims = layer.permute().dims();
  const size_t rank = shapes[0].size();
  std::vector<double> result;
  std::vector<int64_t> index(rank, 0);
  for (size_t count = 0; count < inputs[0].size(); ++count) {
    std::vector<int64_t> source(rank);
    for (size_t i = 0; i < rank; ++i)
      source[static_cast<size_t>(dims[static_cast<int>(i)] - 1)] = index[i];
    int64_t at = 0;
    for (size_t i = 0; i < rank; ++i) at = at * shapes[0][i] + source[i];
    result.push_back(inputs[0][static_cast<size_t>(at)]);
    for (size_t i = rank; i-- > 0;) {
      if (++index[i] < shapes[0][static_cast<size_t>(dims[static_cast<int>(i)] - 1)]) break;
      index[i] = 0;
    }
  }
  return result;
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  // The batch stays first, so axes count from 1 there, too.
  Shape axes = {0};
  axes.insert(axes.end(), use.spec.permute().dims().begin(), use.spec.permute().dims().end());
  return model.Node("Transpose", {use.inputs[0]}, {{"perm", std::move(axes)}});
}

Sample MakeSample(const std::vector<int64_t>& dims, const Shape& input) {
  Sample sample;
  for (const int64_t dim : dims) sample.spec.mutable_permute()->add_dims(dim);
  sample.inputs = {input};
  return sample;
}

std::vector<Sample> Samples() {
  return {MakeSample({1}, {5}), MakeSample({2, 1}, {3, 19}), MakeSample({3, 1, 2}, {2, 3, 5}),
          MakeSample({2, 1, 3}, {4, 3, 17}), MakeSample({4, 2, 3, 1}, {2, 3, 1, 4})};
}

}  // namespace

extern const LayerKind permute_kind;
constinit const LayerKind permute_kind = {
    .field = v1::Layer::kPermute,
    .documentation = "The axes of each row in another order.",
    .source = "Keras, Permute",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Infer,
    .weights = NoWeights,
    .lower = Lower,
    .reference = Reference,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
