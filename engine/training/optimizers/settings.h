// SPDX-License-Identifier: Apache-2.0
// Checks of settings that optimizers have in common, and those that all have, whatever their
// message is called.
#pragma once

#include <cmath>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "engine/base/status.h"
#include "gradus/v1/training.pb.h"

namespace gradus::optimizers {

// A finite number, 0 or more.
absl::Status CheckNotNegative(absl::string_view path, double value);
// At least 0 and less than 1.
absl::Status CheckDecay(absl::string_view path, double value);
// Above 0, also as a float.
absl::Status CheckPositive(absl::string_view path, double value);

template <typename Spec>
absl::Status FillLearningRate(Spec& spec, double fallback) {
  if (!spec.has_learning_rate()) spec.set_learning_rate(fallback);
  return CheckNotNegative("learning_rate", spec.learning_rate());
}

template <typename Spec>
absl::Status FillEpsilon(Spec& spec) {
  if (!spec.has_epsilon()) spec.set_epsilon(1e-7);
  return CheckPositive("epsilon", spec.epsilon());
}

template <typename Spec>
absl::Status FillBetas(Spec& spec, double beta_2) {
  if (!spec.has_beta_1()) spec.set_beta_1(0.9);
  if (!spec.has_beta_2()) spec.set_beta_2(beta_2);
  RETURN_IF_ERROR(CheckDecay("beta_1", spec.beta_1()));
  return CheckDecay("beta_2", spec.beta_2());
}

// What is done to gradients and weights before the rule is applied.
struct Common {
  std::optional<double> clipvalue;
  std::optional<double> clipnorm;
  std::optional<double> global_clipnorm;
  double weight_decay = 0;
};

// REQUIRES: a kind is set.
Common CommonOf(const v1::Optimizer& spec);
absl::Status CheckCommon(const v1::Optimizer& spec);

}  // namespace gradus::optimizers
