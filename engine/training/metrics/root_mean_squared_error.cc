// SPDX-License-Identifier: Apache-2.0
// The root of the mean over rows and outputs of (p - y)^2.
#include <cmath>

#include "engine/training/metrics/output_mean.h"

namespace gradus::metrics {
namespace {

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric&, const MetricOperands& o) {
  return OutputMeanKernel("root_mean_squared_error", o,
                          [](double p, double y) { return (p - y) * (p - y); });
}

std::vector<Figure> Figures(const v1::Metric& spec, const Gathered& gathered) {
  return {{"", std::sqrt(MeanOverRows(spec, gathered)[0].value)}};
}

std::vector<double> Reference(const v1::Metric&, const Scored&, const ReferenceRows& rows) {
  double sum = 0;
  double outputs = 0;
  for (size_t row = 0; row < rows.predictions.size(); ++row) {
    for (size_t i = 0; i < rows.predictions[row].size(); ++i) {
      const double p = rows.predictions[row][i];
      const double y = rows.targets[row][i];
      sum += std::pow(p - y, 2);
      ++outputs;
    }
  }
  return {std::sqrt(sum / outputs)};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_root_mean_squared_error();
  return {spec};
}

}  // namespace

extern const MetricKind root_mean_squared_error_kind;
constinit const MetricKind root_mean_squared_error_kind = {
    .field = v1::Metric::kRootMeanSquaredError,
    .documentation = "The root of the mean over rows and outputs of (p - y)^2.",
    .source = "Keras, RootMeanSquaredError",
    .higher_is_better = false,
    .check = CheckValues,
    .lower = Lower,
    .figures = Figures,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
