// SPDX-License-Identifier: Apache-2.0
// What the metrics share that count rows whose class was predicted.
#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "engine/training/metrics/kind.h"

namespace gradus::metrics {

std::unique_ptr<kernels::Kernel> RightClassKernel(absl::string_view name, const MetricOperands& o);

double ReferenceShareOfRightClasses(const ReferenceRows& rows);

}  // namespace gradus::metrics
