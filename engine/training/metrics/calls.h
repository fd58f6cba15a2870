// SPDX-License-Identifier: Apache-2.0
// How often each class, or the answer yes, was called and wanted: what precision and recall are
// made of.
#pragma once

#include <memory>

#include "engine/training/metrics/kind.h"

namespace gradus::metrics {

// Of one class.
struct Calls {
  double right = 0;
  double called = 0;
  double wanted = 0;
};

// Three counts a class; one "class" where targets are values, for yes.
Sizes CallsSizes(const v1::Metric& spec, const Scored& scored);
std::unique_ptr<kernels::Kernel> CallsKernel(double threshold, const MetricOperands& o);
double MeanOverClasses(const Gathered& gathered, double (*value)(const Calls& calls));

double ReferenceMean(double threshold, const Scored& scored, const ReferenceRows& rows,
                     double (*value)(const Calls& calls));

}  // namespace gradus::metrics
