// SPDX-License-Identifier: Apache-2.0
// The depthwise part of layers that have one, whatever their message is called.
#pragma once

#include "engine/layers/filters.h"

namespace gradus::layers {

template <typename Spec>
absl::Status CheckDepthwise(Spec& spec) {
  constexpr int64_t kMost = 1024;
  if (!spec.has_depth_multiplier()) spec.set_depth_multiplier(1);
  if (spec.depth_multiplier() < 1 || spec.depth_multiplier() > kMost) {
    return base::InvalidArgument("depth_multiplier", absl::StrCat(spec.depth_multiplier()),
                                 absl::StrCat("a number from 1 to ", kMost));
  }
  FillInitializer(spec.mutable_depthwise_initializer(), Glorot);
  return absl::OkStatus();
}

template <typename Spec>
absl::StatusOr<Shape> InferDepthwise(const Spec& spec, const Shape& input) {
  RETURN_IF_ERROR(CheckImage(input));
  return InferFilters(input, WindowsOfSpec(spec), spec.padding(),
                      input.back() * spec.depth_multiplier(), input.back());
}

template <typename Spec>
kernels::ConvolutionShape DepthwiseShape(const Spec& spec, const Shape& input) {
  return FilterShape(input, WindowsOfSpec(spec), spec.padding(),
                     input.back() * spec.depth_multiplier(), input.back());
}

template <typename Spec>
Weight DepthwiseKernel(const Spec& spec, const Shape& input) {
  Weight kernel =
      KernelOf("depthwise_kernel",
               {spec.kernel_size(0), spec.kernel_size(1), input.back(), spec.depth_multiplier()},
               spec.depthwise_initializer());
  kernel.regularizer = spec.depthwise_regularizer();
  kernel.constraint = spec.depthwise_constraint();
  return kernel;
}

}  // namespace gradus::layers
