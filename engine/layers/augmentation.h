// SPDX-License-Identifier: Apache-2.0
// What layers that change images at random have in common.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "engine/base/status.h"
#include "engine/kernels/image_sampling.h"
#include "engine/layers/kind.h"
#include "engine/layers/settings.h"

namespace gradus::layers {

using Factors = google::protobuf::RepeatedField<double>;

// LayerKind::infer of one that keeps the shape (height, width, channels).
absl::StatusOr<Shape> ImageShape(const v1::Layer& spec, std::span<const Shape> inputs);

// One number from 0 to 1, or two from -1 to 1, in order.
absl::Status CheckFactors(absl::string_view path, const Factors& factors);
// A number between two factors, or between minus and plus the only one.
double BetweenFactors(const Factors& factors, uint32_t word);

// That reads pixels as they are: what remains is to say which.
kernels::ImageSampling SamplingOf(std::string name, std::span<const int64_t> shape);
kernels::Outside OutsideOf(v1::Fill::Mode mode);

// Fills in fill_mode, interpolation and fill_value.
template <typename Spec>
absl::Status CheckReading(Spec& spec) {
  if (spec.fill_mode() == v1::Fill::MODE_UNSPECIFIED) spec.set_fill_mode(v1::Fill::REFLECT);
  if (spec.interpolation() == v1::Interpolation::METHOD_UNSPECIFIED)
    spec.set_interpolation(v1::Interpolation::BILINEAR);
  if (!spec.has_fill_value()) spec.set_fill_value(0);
  return CheckFloat("fill_value", spec.fill_value());
}

// SamplingOf with fill_mode, interpolation and fill_value.
template <typename Spec>
kernels::ImageSampling ReadingOf(std::string name, const Spec& spec,
                                 std::span<const int64_t> shape) {
  kernels::ImageSampling sampling = SamplingOf(std::move(name), shape);
  sampling.bilinear = spec.interpolation() == v1::Interpolation::BILINEAR;
  sampling.outside = OutsideOf(spec.fill_mode());
  sampling.value = static_cast<float>(spec.fill_value());
  return sampling;
}

}  // namespace gradus::layers
