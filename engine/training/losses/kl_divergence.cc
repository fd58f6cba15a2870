// SPDX-License-Identifier: Apache-2.0
// sum_i y_i log(y_i / p_i) for targets that are distributions.
#include <algorithm>
#include <cmath>

#include "engine/base/status.h"
#include "engine/kernels/vector/functions.h"
#include "engine/training/losses/element.h"
#include "engine/training/losses/probability.h"

namespace gradus::losses {
namespace {

absl::StatusOr<Target> TargetOf(const v1::Loss&, std::span<const int64_t> output_shape) {
  ASSIGN_OR_RETURN(const int64_t classes, VectorLength(output_shape, 2));
  return Target{TargetForm::kDistribution, classes, classes};
}

// Keras's: both are cut to [kLeast, 1].
double CutBelow(double p) { return std::clamp(p, kLeast, 1.0); }

double FromProbabilities(const LossOperands& o) {
  const float* predictions = kernels::Floats(o.predictions);
  const auto* targets = static_cast<const float*>(*o.targets);
  float* diff = o.diff == nullptr ? nullptr : kernels::Floats(o.diff);
  double sum = 0;
  for (int64_t i = 0; i < o.rows * o.width; ++i) {
    const auto given = static_cast<double>(predictions[i]);
    const double p = CutBelow(given);
    const double y = CutBelow(static_cast<double>(targets[i]));
    sum += y * std::log(y / p);
    const bool cut = given < kLeast || given > 1;
    if (diff != nullptr)
      diff[i] = cut ? 0.0F : static_cast<float>(-static_cast<double>(o.scale) * y / p);
  }
  return sum;
}

// The cross-entropy less the targets' own entropy.
double FromLogits(const LossOperands& o) {
  const auto* y = static_cast<const float*>(*o.targets);
  const double cross = kernels::Vector().softmax_cross_entropy(
      kernels::Floats(o.predictions), y, {}, o.scale,
      o.diff == nullptr ? nullptr : kernels::Floats(o.diff), o.rows, o.width);
  double own = 0;
  for (int64_t i = 0; i < o.rows * o.width; ++i) {
    const auto target = static_cast<double>(y[i]);
    own += target == 0 ? 0 : target * std::log(target);
  }
  return cross + own;
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  const std::string size = absl::StrCat(o.rows, "x", o.width);
  if (!o.logits)
    return kernels::MakeKernel("kl_divergence " + size, [o] { *o.sum = FromProbabilities(o); });
  return kernels::MakeKernel(
      absl::StrCat("softmax_kl_divergence vector:", kernels::Vector().isa, " ", size),
      [o] { *o.sum = FromLogits(o); });
}

double Reference(const v1::Loss&, bool logits, std::span<const double> predictions,
                 std::span<const double> targets) {
  const double largest = *std::max_element(predictions.begin(), predictions.end());
  double sum = 0;
  for (const double x : predictions) sum += std::exp(x - largest);
  double divergence = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double y = logits ? targets[i] : CutBelow(targets[i]);
    const double log_p =
        logits ? predictions[i] - largest - std::log(sum) : std::log(CutBelow(predictions[i]));
    if (y > 0) divergence += y * (std::log(y) - log_p);
  }
  return divergence;
}

std::vector<v1::Loss> Samples() {
  v1::Loss spec;
  spec.mutable_kl_divergence();
  return {spec};
}

}  // namespace

extern const LossKind kl_divergence_kind;
constinit const LossKind kl_divergence_kind = {
    .field = v1::Loss::kKlDivergence,
    .documentation = "sum_i y_i log(y_i / p_i), for targets that are distributions.",
    .source = "Keras, KLDivergence; Kullback, Leibler 1951",
    .fuses = v1::Activation::kSoftmax,
    .scoring = Scoring::kArgmax,
    .check = NoSettings,
    .from_logits = NeverLogits,
    .target = TargetOf,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::losses
