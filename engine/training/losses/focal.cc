// SPDX-License-Identifier: Apache-2.0
// Binary cross-entropy in which outputs that are right already count little.
#include <algorithm>
#include <cmath>

#include "engine/training/losses/element.h"
#include "engine/training/losses/probability.h"
#include "engine/training/losses/settings.h"

namespace gradus::losses {
namespace {

absl::Status CheckSettings(v1::Loss& loss) {
  v1::Focal& spec = *loss.mutable_focal();
  if (!spec.has_from_logits()) spec.set_from_logits(false);
  if (!spec.has_gamma()) spec.set_gamma(2);
  if (!spec.has_alpha()) spec.set_alpha(0.25);
  if (!(std::isfinite(spec.gamma()) && spec.gamma() >= 0))
    return base::InvalidArgument("gamma", absl::StrCat(spec.gamma()), "a finite number, 0 or more");
  return CheckShare("alpha", spec.alpha());
}

bool FromLogits(const v1::Loss& spec) { return spec.focal().from_logits(); }

absl::StatusOr<Target> TargetOf(const v1::Loss& spec, std::span<const int64_t> output_shape) {
  absl::StatusOr<Target> target = AnyValues(spec, output_shape);
  target->probabilities = true;
  if (target->width == 1) target->classes = 2;
  return target;
}

// log(1 + exp(x)), where nothing grows.
double Softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

// -(1 - p)^gamma log p for p = sigmoid(x), and its derivative by x.
Element OfYes(double x, double gamma) {
  const double small = std::exp(-std::abs(x));
  const double p = (x < 0 ? small : 1) / (1 + small);
  const double not_p = (x < 0 ? 1 : small) / (1 + small);
  const double minus_log = Softplus(-x);
  const double modulation = std::pow(not_p, gamma);
  return {modulation * minus_log, -modulation * (gamma * p * minus_log + not_p)};
}

Element FromLogit(double x, double y, double gamma, double alpha) {
  const Element yes = OfYes(x, gamma);
  const Element no = OfYes(-x, gamma);
  return {alpha * y * yes.value + (1 - alpha) * (1 - y) * no.value,
          alpha * y * yes.slope - (1 - alpha) * (1 - y) * no.slope};
}

// A probability is the logit log(p / (1 - p)), whose derivative is 1 / (p (1 - p)).
Element FromProbability(double given, double y, double gamma, double alpha) {
  const double p = Cut(given);
  Element found = FromLogit(std::log(p) - std::log1p(-p), y, gamma, alpha);
  found.slope = IsCut(given) ? 0 : found.slope / (p * (1 - p));
  return found;
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss& spec,
                                                       const LossOperands& o) {
  const double gamma = spec.focal().gamma();
  const double alpha = spec.focal().alpha();
  if (o.logits) {
    return ElementKernel("sigmoid_focal", o, [gamma, alpha](double x, double y) {
      return FromLogit(x, y, gamma, alpha);
    });
  }
  return ElementKernel("focal", o, [gamma, alpha](double p, double y) {
    return FromProbability(p, y, gamma, alpha);
  });
}

double Reference(const v1::Loss& spec, bool logits, std::span<const double> predictions,
                 std::span<const double> targets) {
  const double gamma = spec.focal().gamma();
  const double alpha = spec.focal().alpha();
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double x = predictions[i];
    const double y = targets[i];
    const double p = logits ? 1 / (1 + std::exp(-x)) : Cut(x);
    const double log_p = logits ? -Softplus(-x) : std::log(p);
    const double log_not_p = logits ? -Softplus(x) : std::log(1 - p);
    sum -= alpha * y * std::pow(1 - p, gamma) * log_p +
           (1 - alpha) * (1 - y) * std::pow(p, gamma) * log_not_p;
  }
  return sum / static_cast<double>(predictions.size());
}

std::vector<v1::Loss> Samples() {
  std::vector<v1::Loss> samples(3);
  samples[0].mutable_focal();
  samples[1].mutable_focal()->set_from_logits(true);
  samples[2].mutable_focal()->set_gamma(0);
  samples[2].mutable_focal()->set_alpha(0.5);
  return samples;
}

}  // namespace

extern const LossKind focal_kind;
constinit const LossKind focal_kind = {
    .field = v1::Loss::kFocal,
    .documentation =
        "The mean over a row's outputs of -(alpha y (1 - p)^gamma log p + (1 - alpha) (1 - y) "
        "p^gamma "
        "log(1 - p)).",
    .source = "Lin et al. 2017, eq. 5; Keras, BinaryFocalCrossentropy",
    .fuses = v1::Activation::kSigmoid,
    .scoring = Scoring::kThreshold,
    .check = CheckSettings,
    .from_logits = FromLogits,
    .target = TargetOf,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::losses
