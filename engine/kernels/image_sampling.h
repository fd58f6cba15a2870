// SPDX-License-Identifier: Apache-2.0
// Images whose pixels are taken from other places of their source: flipped, shifted, turned, cut.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/philox.h"
#include "engine/kernels/operation.h"

namespace gradus::kernels {

// Where the pixel in column x and row y of the result comes from: column xx * x + xy * y + x0 and
// row yx * x + yy * y + y0 of the source. As it stands, from the same place.
struct PixelMap {
  double xx = 1;
  double xy = 0;
  double x0 = 0;
  double yx = 0;
  double yy = 1;
  double y0 = 0;
};

// What lies outside of a source [a b c]: a given value, [c b a | a b c | c b a], [a b c | a b c | a
// b c], or [a a a | a b c | c c c].
enum class Outside { kValue, kReflected, kWrapped, kNearest };

struct ImageSampling {
  std::string name;
  // Of the source.
  int64_t height = 1;
  int64_t width = 1;
  int64_t channels = 1;
  // Of the result.
  int64_t dst_height = 1;
  int64_t dst_width = 1;
  // Between pixels, else the nearest one counts.
  bool bilinear = false;
  Outside outside = Outside::kNearest;
  // With kValue.
  float value = 0;
  // In training, of a row's random words; called from several threads.
  std::function<PixelMap(const base::Philox::Words& words)> draw;
  // Without training.
  PixelMap still;
};

// On rows [height, width, channels]. Backward draws the same maps again, and adds each pixel's
// gradient to where it came from.
std::unique_ptr<const Operation> MakeImageSampling(ImageSampling sampling);

}  // namespace gradus::kernels
