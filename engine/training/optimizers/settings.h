// SPDX-License-Identifier: Apache-2.0
// Checks of settings that optimizers have in common, and those that all have, whatever their
// message is called.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "engine/base/ranges.h"
#include "engine/base/status.h"
#include "gradus/v1/optimizers.pb.h"
#include "gradus/v1/schedules.pb.h"

namespace gradus::optimizers {

using base::CheckNotNegative;
using base::CheckPositive;
// At least 0 and less than 1.
absl::Status CheckDecay(absl::string_view path, double value);

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

// What is done to gradients, weights and the learning rate beside the rule.
struct Common {
  std::optional<double> clipvalue;
  std::optional<double> clipnorm;
  std::optional<double> global_clipnorm;
  double weight_decay = 0;
  std::optional<v1::Schedule> schedule;
  // Momentum of the weights' moving average, where one is kept.
  std::optional<double> ema_momentum;
};

// Names of all tensors kept beside each weight: the rule's own, then the moving average.
// REQUIRES: a kind is set.
std::vector<std::string> SlotNames(const v1::Optimizer& spec);
inline constexpr char kAverageSlot[] = "average";

// REQUIRES: a kind is set.
Common CommonOf(const v1::Optimizer& spec);
// REQUIRES: a kind is set, with its defaults.
double LearningRateOf(const v1::Optimizer& spec);
// The rate stays what it is.
void ClearSchedule(v1::Optimizer& spec);
// Fills in defaults of what is used.
absl::Status CheckCommon(v1::Optimizer& spec);

}  // namespace gradus::optimizers
