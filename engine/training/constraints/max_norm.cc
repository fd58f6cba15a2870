// SPDX-License-Identifier: Apache-2.0
// Max norm: vectors that are too long are scaled down.
#include <cmath>

#include "engine/base/ranges.h"
#include "engine/training/constraints/kind.h"

namespace gradus::constraints {
namespace {

constexpr double kEpsilon = 1e-7;

absl::Status CheckSettings(v1::Constraint& constraint) {
  v1::MaxNorm& spec = *constraint.mutable_max_norm();
  if (!spec.has_max_value()) spec.set_max_value(2);
  return base::CheckPositive("max_value", spec.max_value());
}

double Factor(const v1::Constraint& spec, double length) {
  const double most = spec.max_norm().max_value();
  return length <= most ? 1 : most / (length + kEpsilon);
}

void Reference(const v1::Constraint& spec, std::span<double> vector) {
  double square = 0;
  for (const double x : vector) square += x * x;
  if (std::sqrt(square) <= spec.max_norm().max_value()) return;
  for (double& x : vector) x *= spec.max_norm().max_value() / (std::sqrt(square) + kEpsilon);
}

std::vector<v1::Constraint> Samples() {
  std::vector<v1::Constraint> samples(2);
  samples[0].mutable_max_norm();
  samples[1].mutable_max_norm()->set_max_value(0.3);
  return samples;
}

}  // namespace

extern const ConstraintKind max_norm_kind;
constinit const ConstraintKind max_norm_kind = {
    .field = v1::Constraint::kMaxNorm,
    .documentation = "Vectors longer than max_value are scaled down to it.",
    .source = "Keras, MaxNorm; Srivastava et al. 2014, sec. 5.1",
    .check = CheckSettings,
    .factor = Factor,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::constraints
