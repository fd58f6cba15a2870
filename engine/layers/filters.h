// SPDX-License-Identifier: Apache-2.0
// What layers with filters have in common, whatever their message is called.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/layers/activations/kind.h"
#include "engine/layers/convolving.h"

namespace gradus::layers {

// 1 to 1,048,576.
absl::Status CheckFilters(int64_t filters);
// 1 or more, a divisor of the filters.
absl::Status CheckGroups(int64_t groups, int64_t filters);

// Windows, padding, activation and bias of a message about images that has them all.
template <typename Spec>
absl::Status CheckWindows(Spec& spec) {
  constexpr int64_t kOne[] = {1};
  RETURN_IF_ERROR(FillPair("kernel_size", spec.mutable_kernel_size(), {}));
  RETURN_IF_ERROR(FillPair("strides", spec.mutable_strides(), kOne));
  RETURN_IF_ERROR(FillPair("dilation_rate", spec.mutable_dilation_rate(), kOne));
  ASSIGN_OR_RETURN(const v1::Padding padding, CheckPadding(spec.padding(), false));
  spec.set_padding(padding);
  RETURN_IF_ERROR(base::InField(activations::Check(*spec.mutable_activation()), "activation"));
  if (!spec.has_use_bias()) spec.set_use_bias(true);
  FillInitializer(spec.mutable_bias_initializer(), AllZeros);
  return absl::OkStatus();
}

// The same with filters and one kernel.
template <typename Spec>
absl::Status CheckConvolution(Spec& spec) {
  RETURN_IF_ERROR(CheckFilters(spec.filters()));
  FillInitializer(spec.mutable_kernel_initializer(), Glorot);
  return CheckWindows(spec);
}

template <typename Spec>
Windows WindowsOfSpec(const Spec& spec) {
  return WindowsOf(Numbers(spec.kernel_size()), Numbers(spec.strides()),
                   Numbers(spec.dilation_rate()));
}

// The output's shape.
//   Errors   INVALID_ARGUMENT for windows or groups that do not fit.
absl::StatusOr<Shape> InferFilters(const Shape& input, const Windows& windows, v1::Padding padding,
                                   int64_t filters, int64_t groups);
// REQUIRES: InferFilters has been content.
kernels::ConvolutionShape FilterShape(const Shape& input, const Windows& windows,
                                      v1::Padding padding, int64_t filters, int64_t groups);
// The output's shape of what FilterShape gave.
Shape OutputOf(const kernels::ConvolutionShape& shape);

// "kernel" of this shape, and "bias" of as many as its last extent.
std::vector<Weight> FilterWeights(const Shape& kernel, const v1::Initializer& initializer,
                                  bool use_bias, const v1::Initializer& bias_initializer);
// A kernel with its fans: the last two extents times the window's values.
Weight KernelOf(const char* name, const Shape& shape, const v1::Initializer& initializer);

// What a message says of its weights beside their start values; the bias is the last one.
template <typename Spec>
void RestrainBias(const Spec& spec, std::vector<Weight>& weights) {
  if (!spec.use_bias()) return;
  weights.back().regularizer = spec.bias_regularizer();
  weights.back().constraint = spec.bias_constraint();
}
template <typename Spec>
std::vector<Weight> Restrained(const Spec& spec, std::vector<Weight> weights) {
  weights[0].regularizer = spec.kernel_regularizer();
  weights[0].constraint = spec.kernel_constraint();
  RestrainBias(spec, weights);
  return weights;
}

// The convolution.
std::vector<Lowered> FilterChain(const kernels::ConvolutionShape& shape, bool use_bias);

}  // namespace gradus::layers
