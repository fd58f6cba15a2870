// SPDX-License-Identifier: Apache-2.0
// Not negative: what is below 0 becomes 0.
#include "engine/training/constraints/kind.h"

namespace gradus::constraints {
namespace {

absl::Status CheckSettings(v1::Constraint&) { return absl::OkStatus(); }

void Elements(float* weights, size_t count) {
  for (size_t i = 0; i < count; ++i) weights[i] = weights[i] < 0 ? 0 : weights[i];
}

void Reference(const v1::Constraint&, std::span<double> vector) {
  for (double& x : vector) {
    if (x < 0) x = 0;
  }
}

std::vector<v1::Constraint> Samples() {
  v1::Constraint sample;
  sample.mutable_non_neg();
  return {sample};
}

}  // namespace

extern const ConstraintKind non_neg_kind;
constinit const ConstraintKind non_neg_kind = {
    .field = v1::Constraint::kNonNeg,
    .documentation = "What is below 0 becomes 0.",
    .source = "Keras, NonNeg",
    .check = CheckSettings,
    .elements = Elements,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::constraints
