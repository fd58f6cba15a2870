// SPDX-License-Identifier: Apache-2.0
// Rows of a batch as metrics look at them: classes, probabilities, thresholds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/training/metrics/kind.h"

namespace gradus::metrics {

// "does not fit LOSS, whose targets are CLASS NUMBERS" where it does not.
absl::Status CheckFits(bool fits, const Scored& scored);
// Of the field `threshold`.
absl::Status CheckThreshold(double value);

// Each row has one class: numbers, or the largest of several values.
inline bool HasClasses(const Scored& scored) {
  return scored.target.form != losses::TargetForm::kValues || scored.width > 1;
}

// The lowest of equals.
template <typename T>
int64_t IndexOfLargest(std::span<const T> values) {
  return std::max_element(values.begin(), values.end()) - values.begin();
}

// A batch's targets, and its predictions as they are: probabilities or logits.
class RowView {
 public:
  explicit RowView(const MetricOperands& operands) : o_(operands) {}

  std::span<const float> prediction(int64_t row) const {
    return {kernels::Floats(o_.predictions) + row * o_.width, static_cast<size_t>(o_.width)};
  }
  // REQUIRES: the targets are no class numbers.
  std::span<const float> target(int64_t row) const {
    return {static_cast<const float*>(*o_.targets) + row * o_.width, static_cast<size_t>(o_.width)};
  }
  int64_t called_class(int64_t row) const { return IndexOfLargest(prediction(row)); }
  int64_t wanted_class(int64_t row) const {
    return o_.form == losses::TargetForm::kClass ? static_cast<const int32_t*>(*o_.targets)[row]
                                                 : IndexOfLargest(target(row));
  }

 private:
  const MetricOperands& o_;
};

// What a prediction must be above for a probability above `threshold`.
double CutOf(double threshold, const MetricOperands& operands);

// A row's predictions with the last activation done where a loss leaves that to itself.
class ActivatedRow {
 public:
  explicit ActivatedRow(const MetricOperands& operands)
      : operands_(operands), values_(static_cast<size_t>(operands.width)) {}

  // Valid until the next call.
  std::span<const double> At(int64_t row);

 private:
  const MetricOperands operands_;
  std::vector<double> values_;
};

}  // namespace gradus::metrics
