// SPDX-License-Identifier: Apache-2.0
// What layers with windows have in common: geometry, weights, chains, plain references.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/kernels/convolution.h"
#include "engine/layers/kind.h"
#include "engine/layers/window.h"

namespace gradus::layers {

// Windows out of checked pairs.
Windows WindowsOf(std::span<const int64_t> size, std::span<const int64_t> stride,
                  std::span<const int64_t> dilation);

// Windows over an image; a sequence is one of height 1.
struct Image {
  int64_t height = 1;
  int64_t width = 1;
  int64_t channels = 1;
};
Image ImageOf(const Shape& shape);

// Where windows lie on an image.
//   Errors   INVALID_ARGUMENT where none fits.
absl::StatusOr<std::array<kernels::ConvolutionAxis, 2>> AxesOf(const Image& image,
                                                               const Windows& windows,
                                                               v1::Padding padding);
// For a transpose. REQUIRES: no stride is larger than its window's reach.
std::array<kernels::ConvolutionAxis, 2> TransposedAxesOf(const Image& image, const Windows& windows,
                                                         v1::Padding padding);

// Sets what is not set.
void FillInitializer(v1::Initializer* initializer, void (*fallback)(v1::Initializer&));
void Glorot(v1::Initializer& initializer);
void AllZeros(v1::Initializer& initializer);
void AllOnes(v1::Initializer& initializer);

// Sums as the formulas have them; `bias` may be empty.
std::vector<double> ConvolutionReference(const kernels::ConvolutionShape& shape,
                                         std::span<const double> x, std::span<const double> kernel,
                                         std::span<const double> bias);
std::vector<double> TransposedReference(const kernels::ConvolutionShape& shape,
                                        std::span<const double> x, std::span<const double> kernel,
                                        std::span<const double> bias);
// The largest value or the mean of each window.
std::vector<double> PoolReference(const std::array<kernels::ConvolutionAxis, 2>& axes,
                                  int64_t channels, bool max, std::span<const double> x);

}  // namespace gradus::layers
