// SPDX-License-Identifier: Apache-2.0
// The mean over rows and outputs of 100 |p - y| / max(|y|, 1e-7).
#include <algorithm>
#include <cmath>

#include "engine/training/metrics/output_mean.h"

namespace gradus::metrics {
namespace {

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric&, const MetricOperands& o) {
  return OutputMeanKernel("mean_absolute_percentage_error", o, [](double p, double y) {
    return 100 * std::abs(p - y) / std::max(std::abs(y), 1e-7);
  });
}

std::vector<double> Reference(const v1::Metric&, const Scored&, const ReferenceRows& rows) {
  double sum = 0;
  double outputs = 0;
  for (size_t row = 0; row < rows.predictions.size(); ++row) {
    for (size_t i = 0; i < rows.predictions[row].size(); ++i) {
      const double p = rows.predictions[row][i];
      const double y = rows.targets[row][i];
      sum += 100 * std::abs((p - y) / std::max(std::abs(y), 1e-7));
      ++outputs;
    }
  }
  return {sum / outputs};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_mean_absolute_percentage_error();
  return {spec};
}

}  // namespace

extern const MetricKind mean_absolute_percentage_error_kind;
constinit const MetricKind mean_absolute_percentage_error_kind = {
    .field = v1::Metric::kMeanAbsolutePercentageError,
    .documentation = "The mean over rows and outputs of 100 |p - y| / max(|y|, 1e-7).",
    .source = "Keras, MeanAbsolutePercentageError",
    .higher_is_better = false,
    .check = CheckValues,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
