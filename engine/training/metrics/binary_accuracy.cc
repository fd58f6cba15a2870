// SPDX-License-Identifier: Apache-2.0
// The share of outputs that are on the right side of a threshold.
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/function_kernel.h"
#include "engine/training/metrics/rows.h"

namespace gradus::metrics {
namespace {

absl::Status CheckScored(v1::Metric& metric, const Scored& scored) {
  v1::BinaryAccuracy& spec = *metric.mutable_binary_accuracy();
  if (!spec.has_threshold()) spec.set_threshold(0.5);
  RETURN_IF_ERROR(CheckThreshold(spec.threshold()));
  return CheckFits(scored.target.form == losses::TargetForm::kValues, scored);
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric& spec, const MetricOperands& o) {
  return kernels::MakeKernel(absl::StrCat("binary_accuracy ", o.rows, "x", o.width),
                             [o, cut = CutOf(spec.binary_accuracy().threshold(), o)] {
                               const float* predictions = kernels::Floats(o.predictions);
                               const auto* targets = static_cast<const float*>(*o.targets);
                               int64_t right = 0;
                               for (int64_t i = 0; i < o.rows * o.width; ++i) {
                                 const float called =
                                     static_cast<double>(predictions[i]) > cut ? 1.0F : 0.0F;
                                 right += called == targets[i] ? 1 : 0;
                               }
                               *o.state = static_cast<double>(right) / static_cast<double>(o.width);
                             });
}

std::vector<double> Reference(const v1::Metric& spec, const Scored&, const ReferenceRows& rows) {
  double right = 0;
  double outputs = 0;
  for (size_t row = 0; row < rows.predictions.size(); ++row) {
    for (size_t i = 0; i < rows.predictions[row].size(); ++i) {
      const bool called = rows.predictions[row][i] > spec.binary_accuracy().threshold();
      right += (called ? 1 : 0) == rows.targets[row][i] ? 1 : 0;
      ++outputs;
    }
  }
  return {right / outputs};
}

std::vector<v1::Metric> Samples() {
  std::vector<v1::Metric> samples(2);
  samples[0].mutable_binary_accuracy();
  samples[1].mutable_binary_accuracy()->set_threshold(0.3);
  return samples;
}

}  // namespace

extern const MetricKind binary_accuracy_kind;
constinit const MetricKind binary_accuracy_kind = {
    .field = v1::Metric::kBinaryAccuracy,
    .documentation =
        "Share of outputs that are above the threshold where the target is 1, and not where it is "
        "0.",
    .source = "Keras, BinaryAccuracy",
    .higher_is_better = true,
    .check = CheckScored,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
