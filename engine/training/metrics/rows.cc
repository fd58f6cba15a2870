// SPDX-License-Identifier: Apache-2.0
// Logits made into probabilities.
#include "engine/training/metrics/rows.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::metrics {
namespace {

absl::string_view NameOf(losses::TargetForm form) {
  switch (form) {
    case losses::TargetForm::kClass:
      return "class numbers";
    case losses::TargetForm::kDistribution:
      return "distributions";
    case losses::TargetForm::kValues:
      return "values";
  }
  return "";
}

double SigmoidOf(double x) {
  const double small = std::exp(-std::abs(x));
  return (x < 0 ? small : 1) / (1 + small);
}

}  // namespace

absl::Status CheckFits(bool fits, const Scored& scored) {
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("does not fit ", losses::Word(*scored.loss),
                                                 ", whose targets are ", NameOf(scored.target.form),
                                                 ", ", scored.target.width, " a row"));
}

absl::Status CheckThreshold(double value) {
  if (value >= 0 && value <= 1) return absl::OkStatus();
  return base::InvalidArgument("threshold", absl::StrCat(value), "a number from 0 to 1");
}

double CutOf(double threshold, const MetricOperands& operands) {
  return operands.logits ? std::log(threshold) - std::log1p(-threshold) : threshold;
}

std::span<const double> ActivatedRow::At(int64_t row) {
  const std::span<const float> given = RowView(operands_).prediction(row);
  std::copy(given.begin(), given.end(), values_.begin());
  if (!operands_.logits) return values_;
  if (operands_.scoring == losses::Scoring::kThreshold) {
    for (double& value : values_) value = SigmoidOf(value);
    return values_;
  }
  const double largest = *std::max_element(values_.begin(), values_.end());
  double sum = 0;
  for (double& value : values_) sum += value = std::exp(value - largest);
  for (double& value : values_) value /= sum;
  return values_;
}

}  // namespace gradus::metrics
