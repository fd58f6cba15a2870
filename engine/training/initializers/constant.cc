// SPDX-License-Identifier: Apache-2.0
// All one value.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/training/initializers/kind.h"

namespace gradus::initializers {
namespace {

absl::Status CheckSettings(v1::Initializer& initializer) {
  v1::Constant& spec = *initializer.mutable_constant();
  if (!spec.has_value()) spec.set_value(0);
  if (!std::isfinite(static_cast<float>(spec.value())))
    return base::InvalidArgument("value", absl::StrCat(spec.value()), "a finite number");
  return absl::OkStatus();
}

void Draw(const v1::Initializer& initializer, const Drawn&, const base::RandomKey&,
          std::span<float> dst) {
  const v1::Constant& spec = initializer.constant();
  std::fill(dst.begin(), dst.end(), static_cast<float>(spec.value()));
}

Moments Reference(const v1::Initializer& initializer, const Drawn&) {
  const v1::Constant& spec = initializer.constant();
  const double value = static_cast<double>(static_cast<float>(spec.value()));
  return {.mean = value, .variance = 0, .low = value, .high = value};
}

std::vector<v1::Initializer> Samples() {
  v1::Initializer plain;
  plain.mutable_constant();
  v1::Initializer set;
  set.mutable_constant()->set_value(-1.25);
  return {plain, set};
}

}  // namespace

extern const InitializerKind constant_kind;
constinit const InitializerKind constant_kind = {
    .field = v1::Initializer::kConstant,
    .documentation = "All one value.",
    .source = "Keras, Constant",
    .check = CheckSettings,
    .draw = Draw,
    .reference = Reference,
    .samples = Samples,
    .constant = true,
};

}  // namespace gradus::initializers
