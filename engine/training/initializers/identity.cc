// SPDX-License-Identifier: Apache-2.0
// A multiple of the identity matrix, wider or higher than square where the weight is.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/training/initializers/kind.h"

namespace gradus::initializers {
namespace {

absl::Status CheckSettings(v1::Initializer& initializer) {
  v1::Identity& spec = *initializer.mutable_identity();
  if (!spec.has_gain()) spec.set_gain(1);
  if (!std::isfinite(static_cast<float>(spec.gain())))
    return base::InvalidArgument("gain", absl::StrCat(spec.gain()), "a finite number");
  return absl::OkStatus();
}

absl::Status CheckShape(std::span<const int64_t> shape) {
  if (shape.size() == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a weight of shape (", absl::StrJoin(shape, ", "), ") has not two axes"));
}

void Draw(const v1::Initializer& spec, const Drawn& weight, const base::RandomKey&,
          std::span<float> dst) {
  std::fill(dst.begin(), dst.end(), 0.0F);
  const int64_t diagonal = std::min(weight.shape[0], weight.shape[1]);
  for (int64_t i = 0; i < diagonal; ++i)
    dst[static_cast<size_t>(i * weight.shape[1] + i)] = static_cast<float>(spec.identity().gain());
}

Moments Reference(const v1::Initializer& spec, const Drawn& weight) {
  // Weights are f32.
  const double gain = static_cast<double>(static_cast<float>(spec.identity().gain()));
  // The part of the elements that lies on the diagonal.
  const double part = 1 / static_cast<double>(std::max(weight.shape[0], weight.shape[1]));
  return {.mean = gain * part,
          .variance = gain * gain * part * (1 - part),
          .low = std::min(0.0, gain),
          .high = std::max(0.0, gain)};
}

std::vector<v1::Initializer> Samples() {
  v1::Initializer plain;
  plain.mutable_identity();
  v1::Initializer set;
  set.mutable_identity()->set_gain(-0.75);
  return {plain, set};
}

}  // namespace

extern const InitializerKind identity_kind;
constinit const InitializerKind identity_kind = {
    .field = v1::Initializer::kIdentity,
    .documentation = "`gain` on the diagonal, 0 elsewhere.",
    .source = "Keras, Identity",
    .check = CheckSettings,
    .draw = Draw,
    .reference = Reference,
    .samples = Samples,
    .check_shape = CheckShape,
    .constant = true,
};

}  // namespace gradus::initializers
