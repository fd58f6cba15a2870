// SPDX-License-Identifier: Apache-2.0
// Share of those called positive, or a class, that are.
#include "engine/base/status.h"
#include "engine/training/metrics/calls.h"
#include "engine/training/metrics/rows.h"

namespace gradus::metrics {
namespace {

absl::Status CheckScored(v1::Metric& metric, const Scored&) {
  v1::Precision& spec = *metric.mutable_precision();
  if (!spec.has_threshold()) spec.set_threshold(0.5);
  return CheckThreshold(spec.threshold());
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric& spec, const MetricOperands& o) {
  return CallsKernel(spec.precision().threshold(), o);
}

double ValueOf(const Calls& calls) {
  const auto& [right, called, wanted] = calls;
  return called == 0 ? 0 : right / called;
}

std::vector<Figure> Figures(const v1::Metric&, const Gathered& gathered) {
  return {{"", MeanOverClasses(gathered, ValueOf)}};
}

std::vector<double> Reference(const v1::Metric& spec, const Scored& scored,
                              const ReferenceRows& rows) {
  return {ReferenceMean(spec.precision().threshold(), scored, rows, ValueOf)};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_precision();
  return {spec};
}

}  // namespace

extern const MetricKind precision_kind;
constinit const MetricKind precision_kind = {
    .field = v1::Metric::kPrecision,
    .documentation = "Share of those called positive, or a class, that are.",
    .source = "Keras, Precision; macro average over classes",
    .higher_is_better = true,
    .check = CheckScored,
    .sizes = CallsSizes,
    .lower = Lower,
    .figures = Figures,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
