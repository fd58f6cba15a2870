// SPDX-License-Identifier: Apache-2.0
// How much of the targets' variance the outputs explain.
#include "engine/training/metrics/output_mean.h"

namespace gradus::metrics {
namespace {

// Of each output: rows, mean of the targets, their squared distances from it, those from the
// output. Sums of squares would lose all digits for targets far from 0.
constexpr int64_t kNumbers = 4;

// Adds rows of one more output's numbers.
//   Source   Chan, Golub, LeVeque 1979, eq. 2.1
void Join(double* into, const double* from) {
  const double rows = into[0] + from[0];
  if (from[0] == 0) return;
  const double between = from[1] - into[1];
  into[2] += from[2] + between * between * into[0] * from[0] / rows;
  into[1] += between * from[0] / rows;
  into[3] += from[3];
  into[0] = rows;
}

Sizes SizesOf(const v1::Metric&, const Scored& scored) {
  return {.state = kNumbers * scored.width};
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric&, const MetricOperands& o) {
  return kernels::MakeKernel(absl::StrCat("r2_score ", o.rows, "x", o.width),
                             [o, activated = ActivatedRow(o)]() mutable {
                               std::fill_n(o.state, kNumbers * o.width, 0.0);
                               const RowView rows(o);
                               for (int64_t row = 0; row < o.rows; ++row) {
                                 const std::span<const double> p = activated.At(row);
                                 const std::span<const float> y = rows.target(row);
                                 for (size_t i = 0; i < p.size(); ++i) {
                                   const auto wanted = static_cast<double>(y[i]);
                                   const double error = p[i] - wanted;
                                   const double one[kNumbers] = {1, wanted, 0, error * error};
                                   Join(o.state + kNumbers * static_cast<int64_t>(i), one);
                                 }
                               }
                             });
}

void Merge(std::span<double> into, std::span<const double> from) {
  for (size_t at = 0; at < into.size(); at += kNumbers) Join(&into[at], &from[at]);
}

std::vector<Figure> Figures(const v1::Metric&, const Gathered& gathered) {
  double sum = 0;
  for (size_t at = 0; at < gathered.state.size(); at += kNumbers) {
    const double total = gathered.state[at + 2];
    sum += total == 0 ? 0 : 1 - gathered.state[at + 3] / total;
  }
  return {{"", sum / (static_cast<double>(gathered.state.size()) / kNumbers)}};
}

std::vector<double> Reference(const v1::Metric&, const Scored& scored, const ReferenceRows& rows) {
  double sum = 0;
  for (size_t i = 0; i < static_cast<size_t>(scored.width); ++i) {
    double mean = 0;
    for (const std::vector<double>& y : rows.targets) mean += y[i];
    mean /= static_cast<double>(rows.targets.size());
    double total = 0;
    double residual = 0;
    for (size_t row = 0; row < rows.targets.size(); ++row) {
      const double y = rows.targets[row][i];
      total += (y - mean) * (y - mean);
      residual += (y - rows.predictions[row][i]) * (y - rows.predictions[row][i]);
    }
    sum += total == 0 ? 0 : 1 - residual / total;
  }
  return {sum / static_cast<double>(scored.width)};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_r2_score();
  return {spec};
}

}  // namespace

extern const MetricKind r2_score_kind;
constinit const MetricKind r2_score_kind = {
    .field = v1::Metric::kR2Score,
    .documentation = "1 - sum (p - y)^2 / sum (y - mean y)^2 over all rows, the mean over outputs.",
    .source = "Keras, R2Score with uniform_average",
    .higher_is_better = true,
    .check = CheckValues,
    .sizes = SizesOf,
    .lower = Lower,
    .merge = Merge,
    .figures = Figures,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
