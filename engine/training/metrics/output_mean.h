// SPDX-License-Identifier: Apache-2.0
// What the metrics share that compare output by output and take the mean over a row's.
#pragma once

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "engine/kernels/function_kernel.h"
#include "engine/training/metrics/rows.h"

namespace gradus::metrics {

inline absl::Status CheckValues(v1::Metric&, const Scored& scored) {
  return CheckFits(scored.target.form != losses::TargetForm::kClass, scored);
}

// The sum over the rows of the mean of `at`: double(double prediction, double target).
template <typename Function>
std::unique_ptr<kernels::Kernel> OutputMeanKernel(absl::string_view name, const MetricOperands& o,
                                                  Function at) {
  return kernels::MakeKernel(absl::StrCat(name, " ", o.rows, "x", o.width),
                             [o, at, activated = ActivatedRow(o)]() mutable {
                               const RowView rows(o);
                               double sum = 0;
                               for (int64_t row = 0; row < o.rows; ++row) {
                                 const std::span<const double> p = activated.At(row);
                                 const std::span<const float> y = rows.target(row);
                                 for (size_t i = 0; i < p.size(); ++i)
                                   sum += at(p[i], static_cast<double>(y[i]));
                               }
                               *o.state = sum / static_cast<double>(o.width);
                             });
}

}  // namespace gradus::metrics
