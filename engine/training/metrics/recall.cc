// SPDX-License-Identifier: Apache-2.0
// Share of those that are positive, or of a class, that were called so.
#include "engine/base/status.h"
#include "engine/training/metrics/calls.h"
#include "engine/training/metrics/rows.h"

namespace gradus::metrics {
namespace {

absl::Status CheckScored(v1::Metric& metric, const Scored&) {
  v1::Recall& spec = *metric.mutable_recall();
  if (!spec.has_threshold()) spec.set_threshold(0.5);
  return CheckThreshold(spec.threshold());
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric& spec, const MetricOperands& o) {
  return CallsKernel(spec.recall().threshold(), o);
}

double ValueOf(const Calls& calls) {
  const auto& [right, called, wanted] = calls;
  return wanted == 0 ? 0 : right / wanted;
}

std::vector<Figure> Figures(const v1::Metric&, const Gathered& gathered) {
  return {{"", MeanOverClasses(gathered, ValueOf)}};
}

std::vector<double> Reference(const v1::Metric& spec, const Scored& scored,
                              const ReferenceRows& rows) {
  return {ReferenceMean(spec.recall().threshold(), scored, rows, ValueOf)};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_recall();
  return {spec};
}

}  // namespace

extern const MetricKind recall_kind;
constinit const MetricKind recall_kind = {
    .field = v1::Metric::kRecall,
    .documentation = "Share of those that are positive, or of a class, that were called so.",
    .source = "Keras, Recall; macro average over classes",
    .higher_is_better = true,
    .check = CheckScored,
    .sizes = CallsSizes,
    .lower = Lower,
    .figures = Figures,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
