// SPDX-License-Identifier: Apache-2.0
// The share of rows whose class was predicted.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_kernel.h"
#include "engine/training/metrics/kind.h"

namespace gradus::metrics {
namespace {

absl::Status CheckLoss(const v1::Metric&, const losses::LossKind& loss) {
  if (loss.scoring == losses::Scoring::kNone) {
    return absl::InvalidArgumentError(
        absl::StrCat("does not fit ", losses::Word(loss), ", which predicts no classes"));
  }
  return absl::OkStatus();
}

// The lowest of equals.
template <typename T>
int64_t IndexOfLargest(const T* values, int64_t count) {
  return std::max_element(values, values + count) - values;
}

double CountClasses(const MetricOperands& o) {
  const float* predictions = kernels::Floats(o.predictions);
  int64_t right = 0;
  for (int64_t row = 0; row < o.rows; ++row) {
    const int64_t predicted = IndexOfLargest(predictions + row * o.width, o.width);
    const int64_t wanted =
        o.form == losses::TargetForm::kClass
            ? static_cast<const int32_t*>(*o.targets)[row]
            : IndexOfLargest(static_cast<const float*>(*o.targets) + row * o.width, o.width);
    right += predicted == wanted ? 1 : 0;
  }
  return static_cast<double>(right);
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
  const std::string size = absl::StrCat(o.rows, "x", o.width);
  if (o.scoring == losses::Scoring::kThreshold)
    return kernels::MakeKernel("binary_accuracy " + size, [o] { *o.sum = ShareOfOutputs(o); });
  return kernels::MakeKernel("accuracy " + size, [o] { *o.sum = CountClasses(o); });
}

double Reference(losses::Scoring scoring, bool logits, std::span<const double> predictions,
                 std::span<const double> targets) {
  const auto width = static_cast<int64_t>(predictions.size());
  if (scoring == losses::Scoring::kThreshold) {
    double right = 0;
    for (size_t i = 0; i < predictions.size(); ++i)
      right += (predictions[i] > (logits ? 0 : 0.5) ? 1.0 : 0.0) == targets[i] ? 1 : 0;
    return right / static_cast<double>(width);
  }
  const int64_t wanted = targets.size() == 1 ? static_cast<int64_t>(targets[0])
                                             : IndexOfLargest(targets.data(), width);
  return IndexOfLargest(predictions.data(), width) == wanted ? 1 : 0;
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
    .check = CheckLoss,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
