// SPDX-License-Identifier: Apache-2.0
// The mean over rows and outputs of |p - y|.
#include <cmath>

#include "engine/training/metrics/output_mean.h"

namespace gradus::metrics {
namespace {

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric&, const MetricOperands& o) {
  return OutputMeanKernel("mean_absolute_error", o,
                          [](double p, double y) { return std::abs(p - y); });
}

std::vector<double> Reference(const v1::Metric&, const Scored&, const ReferenceRows& rows) {
  double sum = 0;
  double outputs = 0;
  for (size_t row = 0; row < rows.predictions.size(); ++row) {
    for (size_t i = 0; i < rows.predictions[row].size(); ++i) {
      const double p = rows.predictions[row][i];
      const double y = rows.targets[row][i];
      sum += std::abs(y - p);
      ++outputs;
    }
  }
  return {sum / outputs};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_mean_absolute_error();
  return {spec};
}

}  // namespace

extern const MetricKind mean_absolute_error_kind;
constinit const MetricKind mean_absolute_error_kind = {
    .field = v1::Metric::kMeanAbsoluteError,
    .documentation = "The mean over rows and outputs of |p - y|.",
    .source = "Keras, MeanAbsoluteError",
    .higher_is_better = false,
    .check = CheckValues,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
