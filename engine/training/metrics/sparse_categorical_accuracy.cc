// SPDX-License-Identifier: Apache-2.0
// Share of rows whose largest output is that of the class number wanted.
#include "engine/training/metrics/right_class.h"
#include "engine/training/metrics/rows.h"

namespace gradus::metrics {
namespace {

absl::Status CheckScored(v1::Metric&, const Scored& scored) {
  return CheckFits(scored.target.form == losses::TargetForm::kClass, scored);
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric&, const MetricOperands& o) {
  return RightClassKernel("sparse_categorical_accuracy", o);
}

std::vector<double> Reference(const v1::Metric&, const Scored&, const ReferenceRows& rows) {
  return {ReferenceShareOfRightClasses(rows)};
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_sparse_categorical_accuracy();
  return {spec};
}

}  // namespace

extern const MetricKind sparse_categorical_accuracy_kind;
constinit const MetricKind sparse_categorical_accuracy_kind = {
    .field = v1::Metric::kSparseCategoricalAccuracy,
    .documentation = "Share of rows whose largest output is that of the class number wanted.",
    .source = "Keras, SparseCategoricalAccuracy",
    .higher_is_better = true,
    .check = CheckScored,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
