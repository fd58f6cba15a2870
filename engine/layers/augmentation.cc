// SPDX-License-Identifier: Apache-2.0
// What layers that change images at random have in common.
#include "engine/layers/augmentation.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/layers/extents.h"

namespace gradus::layers {

absl::StatusOr<Shape> ImageShape(const v1::Layer&, std::span<const Shape> inputs) {
  if (inputs[0].size() == 3) return inputs[0];
  return absl::InvalidArgumentError(absl::StrCat("an input of shape ", TextOf(inputs[0]),
                                                 " is not an image (height, width, channels)"));
}

absl::Status CheckFactors(absl::string_view path, const Factors& factors) {
  const bool one = factors.size() == 1 && factors[0] >= 0 && factors[0] <= 1;
  const bool two =
      factors.size() == 2 && factors[0] >= -1 && factors[0] <= factors[1] && factors[1] <= 1;
  if (one || two) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat("[", absl::StrJoin(factors, ", "), "]"),
                               "a number from 0 to 1, or two from -1 to 1 in order");
}

double BetweenFactors(const Factors& factors, uint32_t word) {
  const double low = factors.size() == 1 ? -factors[0] : factors[0];
  const double high = factors.size() == 1 ? factors[0] : factors[1];
  return low + (high - low) * static_cast<double>(base::ToUniform(word));
}

kernels::ImageSampling SamplingOf(std::string name, std::span<const int64_t> shape) {
  kernels::ImageSampling sampling;
  sampling.name = std::move(name);
  sampling.height = sampling.dst_height = shape[0];
  sampling.width = sampling.dst_width = shape[1];
  sampling.channels = shape[2];
  return sampling;
}

kernels::Outside OutsideOf(v1::Fill::Mode mode) {
  switch (mode) {
    case v1::Fill::CONSTANT:
      return kernels::Outside::kValue;
    case v1::Fill::WRAP:
      return kernels::Outside::kWrapped;
    case v1::Fill::NEAREST:
      return kernels::Outside::kNearest;
    default:
      return kernels::Outside::kReflected;
  }
}

}  // namespace gradus::layers
