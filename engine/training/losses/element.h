// SPDX-License-Identifier: Apache-2.0
// What the losses share that look at each output by itself and take the mean over a row's.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "engine/kernels/function_kernel.h"
#include "engine/training/losses/kind.h"

namespace gradus::losses {

// The loss of one output and its derivative by the output.
struct Element {
  double value = 0;
  double slope = 0;
};

// For losses without settings.
inline absl::Status NoSettings(v1::Loss&) { return absl::OkStatus(); }
inline bool NeverLogits(const v1::Loss&) { return false; }

// As many numbers as the output has, whatever they are.
inline absl::StatusOr<Target> AnyValues(const v1::Loss&, std::span<const int64_t> output_shape) {
  int64_t width = 1;
  for (const int64_t extent : output_shape) width *= extent;
  return Target{TargetForm::kValues, width, 0};
}

// Targets of 1 and 0 as 1 and -1.
inline double SignedTarget(double y) { return y == 0 ? -1 : y; }

// 1 above 0, -1 below; 0 and what is no number stay as they are.
inline double SignOf(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

// `at`: Element(double prediction, double target). Adds output after output, in double.
template <typename Function>
std::unique_ptr<kernels::Kernel> ElementKernel(absl::string_view name, const LossOperands& o,
                                               Function at) {
  return kernels::MakeKernel(absl::StrCat(name, " ", o.rows, "x", o.width), [o, at] {
    const float* predictions = kernels::Floats(o.predictions);
    const auto* targets = static_cast<const float*>(*o.targets);
    float* diff = o.diff == nullptr ? nullptr : kernels::Floats(o.diff);
    const double scale = static_cast<double>(o.scale) / static_cast<double>(o.width);
    double sum = 0;
    for (int64_t i = 0; i < o.rows * o.width; ++i) {
      const Element found =
          at(static_cast<double>(predictions[i]), static_cast<double>(targets[i]));
      sum += found.value;
      if (diff != nullptr) diff[i] = static_cast<float>(scale * found.slope);
    }
    *o.sum = sum / static_cast<double>(o.width);
  });
}

}  // namespace gradus::losses
