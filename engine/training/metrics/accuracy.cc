// SPDX-License-Identifier: Apache-2.0
// The share of rows whose class was predicted.
#include "absl/strings/str_cat.h"
#include "engine/kernels/function_kernel.h"
#include "engine/training/metrics/right_class.h"

namespace gradus::metrics {
namespace {

absl::Status CheckScored(v1::Metric&, const Scored& scored) {
  if (scored.loss->scoring == losses::Scoring::kNone) {
    return absl::InvalidArgumentError(
        absl::StrCat("does not fit ", losses::Word(*scored.loss), ", which predicts no classes"));
  }
  return absl::OkStatus();
}

double ShareOfOutputs(const MetricOperands& o) {
  const float* predictions = kernels::Floats(o.predictions);
  const auto* targets = static_cast<const float*>(*o.targets);
  const float threshold = o.logits ? 0.0F : 0.5F;
  int64_t right = 0;
  for (int64_t i = 0; i < o.rows * o.width; ++i)
    right += (predictions[i] > threshold ? 1.0F : 0.0F) == targets[i] ? 1 : 0;
  return static_cast<double>(right) / static_cast<double>(o.width);
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric&, const MetricOperands& o) {
  if (o.scoring != losses::Scoring::kThreshold) return RightClassKernel("accuracy", o);
  return kernels::MakeKernel(absl::StrCat("accuracy_of_outputs ", o.rows, "x", o.width),
                             [o] { *o.state = ShareOfOutputs(o); });
}

std::vector<double> Reference(const v1::Metric&, const Scored& scored, const ReferenceRows& rows) {
  if (scored.loss->scoring != losses::Scoring::kThreshold)
    return {ReferenceShareOfRightClasses(rows)};
  double right = 0;
  for (size_t row = 0; row < rows.predictions.size(); ++row) {
    for (size_t i = 0; i < rows.predictions[row].size(); ++i)
      right += (rows.predictions[row][i] > 0.5 ? 1.0 : 0.0) == rows.targets[row][i] ? 1 : 0;
  }
  return {right / static_cast<double>(rows.predictions.size()) / static_cast<double>(scored.width)};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_accuracy();
  return {spec};
}

}  // namespace

extern const MetricKind accuracy_kind;
constinit const MetricKind accuracy_kind = {
    .field = v1::Metric::kAccuracy,
    .documentation = "Share of rows whose class was predicted.",
    .source = "Keras, Accuracy",
    .higher_is_better = true,
    .check = CheckScored,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
