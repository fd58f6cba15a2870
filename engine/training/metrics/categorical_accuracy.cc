// SPDX-License-Identifier: Apache-2.0
// Share of rows whose largest output is where the largest target is.
#include "engine/training/metrics/right_class.h"
#include "engine/training/metrics/rows.h"

namespace gradus::metrics {
namespace {

absl::Status CheckScored(v1::Metric&, const Scored& scored) {
  return CheckFits(scored.target.form != losses::TargetForm::kClass && HasClasses(scored), scored);
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric&, const MetricOperands& o) {
  return RightClassKernel("categorical_accuracy", o);
}

std::vector<double> Reference(const v1::Metric&, const Scored&, const ReferenceRows& rows) {
  return {ReferenceShareOfRightClasses(rows)};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_categorical_accuracy();
  return {spec};
}

}  // namespace

extern const MetricKind categorical_accuracy_kind;
constinit const MetricKind categorical_accuracy_kind = {
    .field = v1::Metric::kCategoricalAccuracy,
    .documentation = "Share of rows whose largest output is where the largest target is.",
    .source = "Keras, CategoricalAccuracy",
    .higher_is_better = true,
    .check = CheckScored,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
