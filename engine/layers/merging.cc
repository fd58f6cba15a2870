// SPDX-License-Identifier: Apache-2.0
// What layers that merge inputs of one shape have in common.
#include "engine/layers/merging.h"

#include "absl/strings/str_cat.h"
#include "engine/layers/extents.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {

absl::StatusOr<Shape> CommonShape(const v1::Layer&, std::span<const Shape> inputs) {
  for (const Shape& shape : inputs) {
    if (shape != inputs[0]) {
      return absl::InvalidArgumentError(absl::StrCat(
          "inputs of shapes ", TextOf(inputs[0]), " and ", TextOf(shape), " are not of one shape"));
    }
  }
  return inputs[0];
}

std::vector<Lowered> LowerMerge(const kernels::Merge& merge, std::span<const Shape> inputs) {
  return OneLink(kernels::MakeMerge(merge, CountOf(inputs[0])));
}

std::vector<double> Folded(std::span<const std::vector<double>> inputs,
                           const std::function<double(double, double)>& f) {
  std::vector<double> result = inputs[0];
  for (const std::vector<double>& input : inputs.subspan(1)) {
    for (size_t i = 0; i < result.size(); ++i) result[i] = f(result[i], input[i]);
  }
  return result;
}

std::vector<Sample> MergeSamples(const v1::Layer& spec, size_t most) {
  std::vector<Sample> samples;
  for (const Shape& shape : {Shape{1}, {7}, {3, 5}, {2, 3, 17}})
    samples.push_back({spec, {shape, shape}});
  for (size_t inputs = 3; inputs <= most; ++inputs)
    samples.push_back({spec, std::vector<Shape>(inputs, Shape{33})});
  return samples;
}

}  // namespace gradus::layers
