// SPDX-License-Identifier: Apache-2.0
// The mean over rows of the cosine of the angle between output and target.
#include <algorithm>
#include <cmath>

#include "engine/training/metrics/output_mean.h"

namespace gradus::metrics {
namespace {

// Lengths are raised to it.
constexpr double kLeastLength = 1e-6;

double CosineOf(std::span<const double> p, std::span<const float> y) {
  double products = 0;
  double p_squares = 0;
  double y_squares = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const auto wanted = static_cast<double>(y[i]);
    products += p[i] * wanted;
    p_squares += p[i] * p[i];
    y_squares += wanted * wanted;
  }
  return products / (std::max(kLeastLength, std::sqrt(p_squares)) *
                     std::max(kLeastLength, std::sqrt(y_squares)));
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric&, const MetricOperands& o) {
  return kernels::MakeKernel(absl::StrCat("cosine_similarity_metric ", o.rows, "x", o.width),
                             [o, activated = ActivatedRow(o)]() mutable {
                               const RowView rows(o);
                               double sum = 0;
                               for (int64_t row = 0; row < o.rows; ++row)
                                 sum += CosineOf(activated.At(row), rows.target(row));
                               *o.state = sum;
                             });
}

std::vector<double> Reference(const v1::Metric&, const Scored&, const ReferenceRows& rows) {
  const auto length = [](const std::vector<double>& values) {
    double squares = 0;
    for (const double value : values) squares += value * value;
    return std::max(std::sqrt(squares), 1e-6);
  };
  double sum = 0;
  for (size_t row = 0; row < rows.predictions.size(); ++row) {
    for (size_t i = 0; i < rows.predictions[row].size(); ++i)
      sum += rows.predictions[row][i] / length(rows.predictions[row]) * rows.targets[row][i] /
             length(rows.targets[row]);
  }
  return {sum / static_cast<double>(rows.predictions.size())};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_cosine_similarity();
  return {spec};
}

}  // namespace

extern const MetricKind cosine_similarity_kind;
constinit const MetricKind cosine_similarity_kind = {
    .field = v1::Metric::kCosineSimilarity,
    .documentation = "The mean over rows of sum_i y_i p_i / (|y| |p|).",
    .source = "Keras, CosineSimilarity",
    .higher_is_better = true,
    .check = CheckValues,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
