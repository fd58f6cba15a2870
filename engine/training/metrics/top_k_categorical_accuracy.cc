// SPDX-License-Identifier: Apache-2.0
// The share of rows whose class is among the k that were thought likeliest.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/function_kernel.h"
#include "engine/training/metrics/rows.h"

namespace gradus::metrics {
namespace {

absl::Status CheckScored(v1::Metric& metric, const Scored& scored) {
  v1::TopKCategoricalAccuracy& spec = *metric.mutable_top_k_categorical_accuracy();
  if (!spec.has_k()) spec.set_k(5);
  if (spec.k() < 1) return base::InvalidArgument("k", absl::StrCat(spec.k()), "1 or more");
  return CheckFits(HasClasses(scored), scored);
}

// Of equals the lower comes first; what is no number is among none.
bool IsAmongFirst(std::span<const float> outputs, int64_t wanted, int64_t k) {
  if (wanted < 0 || wanted >= static_cast<int64_t>(outputs.size())) return false;
  const float own = outputs[static_cast<size_t>(wanted)];
  if (std::isnan(own)) return false;
  int64_t before = 0;
  for (size_t i = 0; i < outputs.size(); ++i)
    before += outputs[i] > own || (outputs[i] == own && static_cast<int64_t>(i) < wanted) ? 1 : 0;
  return before < k;
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric& spec, const MetricOperands& o) {
  const int64_t k = spec.top_k_categorical_accuracy().k();
  return kernels::MakeKernel(absl::StrCat("top_", k, "_accuracy ", o.rows, "x", o.width), [o, k] {
    const RowView rows(o);
    int64_t right = 0;
    for (int64_t row = 0; row < o.rows; ++row)
      right += IsAmongFirst(rows.prediction(row), rows.wanted_class(row), k) ? 1 : 0;
    *o.state = static_cast<double>(right);
  });
}

std::vector<double> Reference(const v1::Metric& spec, const Scored& scored,
                              const ReferenceRows& rows) {
  double right = 0;
  for (size_t row = 0; row < rows.predictions.size(); ++row) {
    const std::vector<double>& target = rows.targets[row];
    const auto wanted = scored.target.form == losses::TargetForm::kClass
                            ? static_cast<size_t>(target[0])
                            : static_cast<size_t>(IndexOfLargest(std::span(target)));
    std::vector<size_t> order(rows.scores[row].size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return rows.scores[row][a] > rows.scores[row][b]; });
    const auto k = static_cast<size_t>(spec.top_k_categorical_accuracy().k());
    order.resize(std::min(order.size(), k));
    right += std::count(order.begin(), order.end(), wanted) > 0 ? 1 : 0;
  }
  return {right / static_cast<double>(rows.predictions.size())};
}

std::vector<v1::Metric> Samples() {
  std::vector<v1::Metric> samples(2);
  samples[0].mutable_top_k_categorical_accuracy()->set_k(2);
  samples[1].mutable_top_k_categorical_accuracy();
  return samples;
}

}  // namespace

extern const MetricKind top_k_categorical_accuracy_kind;
constinit const MetricKind top_k_categorical_accuracy_kind = {
    .field = v1::Metric::kTopKCategoricalAccuracy,
    .documentation = "Share of rows whose class is among those of the k largest outputs.",
    .source = "Keras, TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy",
    .higher_is_better = true,
    .check = CheckScored,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
