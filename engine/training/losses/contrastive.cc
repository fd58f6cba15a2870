// SPDX-License-Identifier: Apache-2.0
// Draws alike things together, and pushes others apart up to a margin.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_join.h"
#include "engine/training/losses/element.h"
#include "engine/training/losses/settings.h"

namespace gradus::losses {
namespace {

absl::Status CheckSettings(v1::Loss& loss) {
  v1::Contrastive& spec = *loss.mutable_contrastive();
  if (!spec.has_margin()) spec.set_margin(1);
  return CheckAboveZero("margin", spec.margin());
}

absl::StatusOr<Target> TargetOf(const v1::Loss& spec, std::span<const int64_t> output_shape) {
  absl::StatusOr<Target> target = AnyValues(spec, output_shape);
  if (target->width != 1) {
    return absl::InvalidArgumentError(absl::StrCat("the model's output of shape (",
                                                   absl::StrJoin(output_shape, ", "),
                                                   ") is not one distance a row"));
  }
  target->classes = 2;
  target->probabilities = true;
  return target;
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss& spec,
                                                       const LossOperands& o) {
  return ElementKernel(
      "contrastive", o, [margin = spec.contrastive().margin()](double d, double y) -> Element {
        const double short_by = margin - d <= 0 ? 0 : margin - d;
        return {y * d * d + (1 - y) * short_by * short_by, 2 * (y * d - (1 - y) * short_by)};
      });
}

double Reference(const v1::Loss& spec, bool, std::span<const double> predictions,
                 std::span<const double> targets) {
  const double near = std::pow(predictions[0], 2);
  const double far = std::pow(std::max(spec.contrastive().margin() - predictions[0], 0.0), 2);
  return targets[0] * near + (1 - targets[0]) * far;
}

std::vector<v1::Loss> Samples() {
  std::vector<v1::Loss> samples(2);
  samples[0].mutable_contrastive();
  samples[1].mutable_contrastive()->set_margin(2.5);
  return samples;
}

}  // namespace

extern const LossKind contrastive_kind;
constinit const LossKind contrastive_kind = {
    .field = v1::Loss::kContrastive,
    .documentation =
        "y d^2 + (1 - y) max(margin - d, 0)^2, for a distance d of two things that are alike (y = "
        "1) or "
        "not.",
    .source = "Hadsell, Chopra, LeCun 2006, eq. 4, without the factor 1/2",
    .fuses = v1::Activation::KIND_NOT_SET,
    .scoring = Scoring::kNone,
    .check = CheckSettings,
    .from_logits = NeverLogits,
    .target = TargetOf,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::losses
