// SPDX-License-Identifier: Apache-2.0
// What layers with filters have in common.
#include "engine/layers/filters.h"

#include "engine/layers/extents.h"

namespace gradus::layers {

absl::Status CheckFilters(int64_t filters) {
  constexpr int64_t kMost = 1'048'576;
  if (filters >= 1 && filters <= kMost) return absl::OkStatus();
  return base::InvalidArgument("filters", absl::StrCat(filters),
                               absl::StrCat("a number from 1 to ", kMost));
}

absl::Status CheckGroups(int64_t groups, int64_t filters) {
  if (groups >= 1 && filters % groups == 0) return absl::OkStatus();
  return base::InvalidArgument("groups", absl::StrCat(groups),
                               absl::StrCat("a divisor of the ", filters, " filters"));
}

absl::StatusOr<Shape> InferFilters(const Shape& input, const Windows& windows, v1::Padding padding,
                                   int64_t filters, int64_t groups) {
  if (input.back() % groups != 0) {
    return base::InvalidArgument("groups", absl::StrCat(groups),
                                 absl::StrCat("a divisor of the ", input.back(), " channels"));
  }
  RETURN_IF_ERROR(AxesOf(ImageOf(input), windows, padding).status());
  Shape output = OutputOf(FilterShape(input, windows, padding, filters, groups));
  if (input.size() == 2) output.erase(output.begin());
  return output;
}

kernels::ConvolutionShape FilterShape(const Shape& input, const Windows& windows,
                                      v1::Padding padding, int64_t filters, int64_t groups) {
  return {.axes = AxesOf(ImageOf(input), windows, padding).value(),
          .channels = input.back(),
          .filters = filters,
          .groups = groups};
}

Shape OutputOf(const kernels::ConvolutionShape& shape) {
  return {shape.axes[0].dst, shape.axes[1].dst, shape.filters};
}

Weight KernelOf(const char* name, const Shape& shape, const v1::Initializer& initializer) {
  const int64_t window = CountOf(shape) / (shape[shape.size() - 2] * shape.back());
  return {.name = name,
          .shape = shape,
          .initializer = initializer,
          .fan_in = window * shape[shape.size() - 2],
          .fan_out = window * shape.back()};
}

std::vector<Weight> FilterWeights(const Shape& kernel, const v1::Initializer& initializer,
                                  bool use_bias, const v1::Initializer& bias_initializer) {
  std::vector<Weight> weights = {KernelOf("kernel", kernel, initializer)};
  if (!use_bias) return weights;
  weights.push_back({.name = "bias",
                     .shape = {kernel.back()},
                     .initializer = bias_initializer,
                     .fan_in = weights[0].fan_in,
                     .fan_out = weights[0].fan_out});
  return weights;
}

std::vector<Lowered> FilterChain(const kernels::ConvolutionShape& shape, bool use_bias) {
  std::vector<Lowered> chain;
  chain.push_back({kernels::MakeConvolution(shape, use_bias),
                   use_bias ? std::vector<int>{0, 1} : std::vector<int>{0}});
  return chain;
}

}  // namespace gradus::layers
