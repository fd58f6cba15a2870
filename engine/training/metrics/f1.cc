// SPDX-License-Identifier: Apache-2.0
// 2 precision recall / (precision + recall).
#include "engine/base/status.h"
#include "engine/training/metrics/calls.h"
#include "engine/training/metrics/rows.h"

namespace gradus::metrics {
namespace {

absl::Status CheckScored(v1::Metric& metric, const Scored&) {
  v1::F1& spec = *metric.mutable_f1();
  if (!spec.has_threshold()) spec.set_threshold(0.5);
  return CheckThreshold(spec.threshold());
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric& spec, const MetricOperands& o) {
  return CallsKernel(spec.f1().threshold(), o);
}

double ValueOf(const Calls& calls) {
  const auto& [right, called, wanted] = calls;
  return called + wanted == 0 ? 0 : 2 * right / (called + wanted);
}

std::vector<Figure> Figures(const v1::Metric&, const Gathered& gathered) {
  return {{"", MeanOverClasses(gathered, ValueOf)}};
}

std::vector<double> Reference(const v1::Metric& spec, const Scored& scored,
                              const ReferenceRows& rows) {
  return {ReferenceMean(spec.f1().threshold(), scored, rows, ValueOf)};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_f1();
  return {spec};
}

}  // namespace

extern const MetricKind f1_kind;
constinit const MetricKind f1_kind = {
    .field = v1::Metric::kF1,
    .documentation = "2 precision recall / (precision + recall).",
    .source = "Keras, F1Score; macro average over classes",
    .higher_is_better = true,
    .check = CheckScored,
    .sizes = CallsSizes,
    .lower = Lower,
    .figures = Figures,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
