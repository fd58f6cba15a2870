// SPDX-License-Identifier: Apache-2.0
// Minus the cosine of the angle between output and target.
#include <algorithm>
#include <cmath>

#include "engine/training/losses/element.h"

namespace gradus::losses {
namespace {

// Lengths are raised to it.
constexpr double kLeastLength = 1e-6;

double OneRow(const LossOperands& o, int64_t row) {
  const float* p = kernels::Floats(o.predictions) + row * o.width;
  const float* y = static_cast<const float*>(*o.targets) + row * o.width;
  double products = 0;
  double p_squares = 0;
  double y_squares = 0;
  for (int64_t i = 0; i < o.width; ++i) {
    const auto given = static_cast<double>(p[i]);
    const auto wanted = static_cast<double>(y[i]);
    products += given * wanted;
    p_squares += given * given;
    y_squares += wanted * wanted;
  }
  // A length that was raised does not change with the output.
  const bool raised = std::sqrt(p_squares) < kLeastLength;
  const double p_length = raised ? kLeastLength : std::sqrt(p_squares);
  const double lengths = p_length * std::max(kLeastLength, std::sqrt(y_squares));
  const double cosine = products / lengths;
  if (o.diff == nullptr) return -cosine;
  float* diff = kernels::Floats(o.diff) + row * o.width;
  const double shrink = raised ? 0 : cosine / (p_length * p_length);
  for (int64_t i = 0; i < o.width; ++i) {
    diff[i] =
        static_cast<float>(static_cast<double>(o.scale) * (shrink * static_cast<double>(p[i]) -
                                                           static_cast<double>(y[i]) / lengths));
  }
  return -cosine;
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  return kernels::MakeKernel(absl::StrCat("cosine_similarity ", o.rows, "x", o.width), [o] {
    double sum = 0;
    for (int64_t row = 0; row < o.rows; ++row) sum += OneRow(o, row);
    *o.sum = sum;
  });
}

std::vector<double> UnitOf(std::span<const double> values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  std::vector<double> unit;
  for (const double value : values) unit.push_back(value / std::max(std::sqrt(squares), 1e-6));
  return unit;
}

double Reference(const v1::Loss&, bool, std::span<const double> predictions,
                 std::span<const double> targets) {
  const std::vector<double> p = UnitOf(predictions);
  const std::vector<double> y = UnitOf(targets);
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) sum += p[i] * y[i];
  return -sum;
}

std::vector<v1::Loss> Samples() {
  v1::Loss spec;
  spec.mutable_cosine_similarity();
  return {spec};
}

}  // namespace

extern const LossKind cosine_similarity_kind;
constinit const LossKind cosine_similarity_kind = {
    .field = v1::Loss::kCosineSimilarity,
    .documentation = "-sum_i y_i p_i / (|y| |p|): -1 where output and target point the same way.",
    .source = "Keras, CosineSimilarity",
    .fuses = v1::Activation::KIND_NOT_SET,
    .scoring = Scoring::kNone,
    .check = NoSettings,
    .from_logits = NeverLogits,
    .target = AnyValues,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::losses
