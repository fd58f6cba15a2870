// SPDX-License-Identifier: Apache-2.0
// Unit norm: vectors are scaled to length 1.
#include <cmath>

#include "engine/training/constraints/kind.h"

namespace gradus::constraints {
namespace {

constexpr double kEpsilon = 1e-7;

absl::Status CheckSettings(v1::Constraint&) { return absl::OkStatus(); }

double Factor(const v1::Constraint&, double length) { return 1 / (length + kEpsilon); }

void Reference(const v1::Constraint&, std::span<double> vector) {
  double square = 0;
  for (const double x : vector) square += x * x;
  for (double& x : vector) x /= std::sqrt(square) + kEpsilon;
}

std::vector<v1::Constraint> Samples() {
  v1::Constraint sample;
  sample.mutable_unit_norm();
  return {sample};
}

}  // namespace

extern const ConstraintKind unit_norm_kind;
constinit const ConstraintKind unit_norm_kind = {
    .field = v1::Constraint::kUnitNorm,
    .documentation = "Vectors are scaled to length 1.",
    .source = "Keras, UnitNorm",
    .check = CheckSettings,
    .factor = Factor,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::constraints
