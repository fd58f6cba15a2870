// SPDX-License-Identifier: Apache-2.0
// Counts calls.
#include "engine/training/metrics/calls.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_kernel.h"
#include "engine/training/metrics/rows.h"

namespace gradus::metrics {
namespace {

constexpr int64_t kCounts = 3;

void CountClasses(const MetricOperands& o) {
  std::fill_n(o.state, kCounts * o.width, 0.0);
  const RowView rows(o);
  for (int64_t row = 0; row < o.rows; ++row) {
    const int64_t called = rows.called_class(row);
    const int64_t wanted = rows.wanted_class(row);
    if (wanted < 0 || wanted >= o.width) continue;
    o.state[kCounts * called] += called == wanted ? 1 : 0;
    o.state[kCounts * called + 1] += 1;
    o.state[kCounts * wanted + 2] += 1;
  }
}

void CountOutputs(const MetricOperands& o, double cut) {
  const float* predictions = kernels::Floats(o.predictions);
  const auto* targets = static_cast<const float*>(*o.targets);
  std::fill_n(o.state, kCounts, 0.0);
  for (int64_t i = 0; i < o.rows * o.width; ++i) {
    const bool called = static_cast<double>(predictions[i]) > cut;
    const bool wanted = targets[i] > 0.5F;
    o.state[0] += called && wanted ? 1 : 0;
    o.state[1] += called ? 1 : 0;
    o.state[2] += wanted ? 1 : 0;
  }
}

}  // namespace

Sizes CallsSizes(const v1::Metric&, const Scored& scored) {
  return {.state =
              kCounts * (scored.target.form == losses::TargetForm::kValues ? 1 : scored.width)};
}

std::unique_ptr<kernels::Kernel> CallsKernel(double threshold, const MetricOperands& o) {
  const std::string size = absl::StrCat(o.rows, "x", o.width);
  if (o.form != losses::TargetForm::kValues)
    return kernels::MakeKernel("count_class_calls " + size, [o] { CountClasses(o); });
  return kernels::MakeKernel("count_calls " + size,
                             [o, cut = CutOf(threshold, o)] { CountOutputs(o, cut); });
}

double MeanOverClasses(const Gathered& gathered, double (*value)(const Calls& calls)) {
  double sum = 0;
  for (size_t at = 0; at < gathered.state.size(); at += kCounts)
    sum += value({gathered.state[at], gathered.state[at + 1], gathered.state[at + 2]});
  return sum / (static_cast<double>(gathered.state.size()) / kCounts);
}

double ReferenceMean(double threshold, const Scored& scored, const ReferenceRows& rows,
                     double (*value)(const Calls& calls)) {
  const bool yes_alone = scored.target.form == losses::TargetForm::kValues;
  const auto classes = yes_alone ? 1 : static_cast<size_t>(scored.width);
  double sum = 0;
  for (size_t tested = 0; tested < classes; ++tested) {
    Calls calls;
    const auto add = [&calls](bool called, bool wanted) {
      calls.right += called && wanted ? 1 : 0;
      calls.called += called ? 1 : 0;
      calls.wanted += wanted ? 1 : 0;
    };
    for (size_t row = 0; row < rows.predictions.size(); ++row) {
      const std::vector<double>& p = rows.predictions[row];
      const std::vector<double>& y = rows.targets[row];
      for (size_t i = 0; yes_alone && i < p.size(); ++i) add(p[i] > threshold, y[i] > 0.5);
      if (yes_alone) continue;
      const int64_t wanted =
          y.size() == 1 ? static_cast<int64_t>(y[0]) : IndexOfLargest(std::span<const double>(y));
      add(IndexOfLargest(std::span<const double>(rows.scores[row])) == static_cast<int64_t>(tested),
          wanted == static_cast<int64_t>(tested));
    }
    sum += value(calls);
  }
  return sum / static_cast<double>(classes);
}

}  // namespace gradus::metrics
