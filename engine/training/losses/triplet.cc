// SPDX-License-Identifier: Apache-2.0
// Wants a positive nearer to its anchor than a negative, by a margin.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_join.h"
#include "engine/training/losses/element.h"
#include "engine/training/losses/settings.h"

namespace gradus::losses {
namespace {

absl::Status CheckSettings(v1::Loss& loss) {
  v1::Triplet& spec = *loss.mutable_triplet();
  if (!spec.has_margin()) spec.set_margin(0.2);
  return CheckAboveZero("margin", spec.margin());
}

// Nothing to compare with; a dataset has targets all the same.
absl::StatusOr<Target> TargetOf(const v1::Loss&, std::span<const int64_t> output_shape) {
  if (output_shape.size() != 1 || output_shape[0] % 3 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the model's output of shape (", absl::StrJoin(output_shape, ", "),
                     ") is not three vectors, anchor, positive and negative, one after another"));
  }
  Target target{TargetForm::kValues, 1, 0};
  target.compared = false;
  return target;
}

double OneRow(const LossOperands& o, int64_t row, double margin) {
  const int64_t length = o.width / 3;
  const float* a = kernels::Floats(o.predictions) + row * o.width;
  const float* p = a + length;
  const float* n = p + length;
  double value = margin;
  for (int64_t i = 0; i < length; ++i) {
    const double to_p = static_cast<double>(a[i]) - static_cast<double>(p[i]);
    const double to_n = static_cast<double>(a[i]) - static_cast<double>(n[i]);
    value += to_p * to_p - to_n * to_n;
  }
  if (o.diff != nullptr) {
    float* diff = kernels::Floats(o.diff) + row * o.width;
    const double factor = value <= 0 ? 0 : 2 * static_cast<double>(o.scale);
    for (int64_t i = 0; i < length; ++i) {
      const auto anchor = static_cast<double>(a[i]);
      const auto positive = static_cast<double>(p[i]);
      const auto negative = static_cast<double>(n[i]);
      diff[i] = static_cast<float>(factor * (negative - positive));
      diff[length + i] = static_cast<float>(factor * (positive - anchor));
      diff[2 * length + i] = static_cast<float>(factor * (anchor - negative));
    }
  }
  return value <= 0 ? 0 : value;
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss& spec,
                                                       const LossOperands& o) {
  const double margin = spec.triplet().margin();
  return kernels::MakeKernel(absl::StrCat("triplet ", o.rows, "x", o.width), [o, margin] {
    double sum = 0;
    for (int64_t row = 0; row < o.rows; ++row) sum += OneRow(o, row, margin);
    *o.sum = sum;
  });
}

double Reference(const v1::Loss& spec, bool, std::span<const double> predictions,
                 std::span<const double>) {
  const size_t length = predictions.size() / 3;
  double near = 0;
  double far = 0;
  for (size_t i = 0; i < length; ++i) {
    near += std::pow(predictions[i] - predictions[length + i], 2);
    far += std::pow(predictions[i] - predictions[2 * length + i], 2);
  }
  return std::max(near - far + spec.triplet().margin(), 0.0);
}

std::vector<v1::Loss> Samples() {
  std::vector<v1::Loss> samples(2);
  samples[0].mutable_triplet();
  samples[1].mutable_triplet()->set_margin(4);
  return samples;
}

}  // namespace

extern const LossKind triplet_kind;
constinit const LossKind triplet_kind = {
    .field = v1::Loss::kTriplet,
    .documentation =
        "max(|a - p|^2 - |a - n|^2 + margin, 0), for outputs that are anchor, positive and "
        "negative one "
        "after another.",
    .source = "Schroff, Kalenichenko, Philbin 2015 (FaceNet), eq. 3",
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
