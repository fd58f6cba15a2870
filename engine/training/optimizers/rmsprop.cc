// SPDX-License-Identifier: Apache-2.0
// RMSprop: each step is divided by the root of a moving mean of squared gradients.
#include <algorithm>
#include <cmath>

#include "engine/kernels/vector/functions.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::optimizers {
namespace {

enum Setting { kRho, kMomentum, kEpsilon, kCentered };

absl::Status CheckSettings(v1::Optimizer& optimizer) {
  v1::Rmsprop& spec = *optimizer.mutable_rmsprop();
  RETURN_IF_ERROR(FillLearningRate(spec, 0.001));
  if (!spec.has_rho()) spec.set_rho(0.9);
  if (!spec.has_momentum()) spec.set_momentum(0);
  if (!spec.has_centered()) spec.set_centered(false);
  RETURN_IF_ERROR(CheckDecay("rho", spec.rho()));
  RETURN_IF_ERROR(CheckDecay("momentum", spec.momentum()));
  return FillEpsilon(spec);
}

double LearningRate(const v1::Optimizer& spec) { return spec.rmsprop().learning_rate(); }

void SetLearningRate(v1::Optimizer& spec, double learning_rate) {
  spec.mutable_rmsprop()->set_learning_rate(learning_rate);
}

std::vector<std::string> Slots(const v1::Optimizer& spec) {
  std::vector<std::string> slots = {"mean_square"};
  if (spec.rmsprop().centered()) slots.push_back("mean");
  if (spec.rmsprop().momentum() > 0) slots.push_back("momentum");
  return slots;
}

Hyper HyperOf(const v1::Optimizer& optimizer) {
  const v1::Rmsprop& spec = optimizer.rmsprop();
  Hyper hyper;
  hyper.learning_rate = static_cast<float>(spec.learning_rate());
  hyper.settings[kRho] = static_cast<float>(spec.rho());
  hyper.settings[kMomentum] = static_cast<float>(spec.momentum());
  hyper.settings[kEpsilon] = static_cast<float>(spec.epsilon());
  hyper.settings[kCentered] = spec.centered() ? 1 : 0;
  return hyper;
}

void Update(const Hyper& hyper, const Stretch& s) {
  const bool centered = hyper.settings[kCentered] != 0;
  kernels::Vector().rmsprop(s.weights, s.gradients, s.slots[0], centered ? s.slots[1] : nullptr,
                            hyper.settings[kMomentum] > 0 ? s.slots[centered ? 2 : 1] : nullptr,
                            {.rate = hyper.learning_rate,
                             .rho = hyper.settings[kRho],
                             .momentum = hyper.settings[kMomentum],
                             .epsilon = hyper.settings[kEpsilon]},
                            s.count);
}

void Reference(const v1::Optimizer& optimizer, double g, int64_t, double& weight,
               std::span<double> slots) {
  const v1::Rmsprop& spec = optimizer.rmsprop();
  slots[0] = spec.rho() * slots[0] + (1 - spec.rho()) * g * g;
  double variance = slots[0];
  if (spec.centered()) {
    slots[1] = spec.rho() * slots[1] + (1 - spec.rho()) * g;
    variance = std::max(0.0, variance - slots[1] * slots[1]);
  }
  double change = spec.learning_rate() * g / std::sqrt(variance + spec.epsilon());
  if (spec.momentum() > 0) {
    slots.back() = spec.momentum() * slots.back() + change;
    change = slots.back();
  }
  weight -= change;
}

// Centered, the first steps divide by what rounding leaves: a large epsilon keeps them apart.
std::vector<v1::Optimizer> Samples() {
  std::vector<v1::Optimizer> samples(3);
  for (v1::Optimizer& sample : samples) sample.mutable_rmsprop()->set_learning_rate(0.1);
  samples[1].mutable_rmsprop()->set_momentum(0.9);
  samples[1].mutable_rmsprop()->set_rho(0.5);
  samples[2].mutable_rmsprop()->set_centered(true);
  samples[2].mutable_rmsprop()->set_momentum(0.5);
  samples[2].mutable_rmsprop()->set_epsilon(0.1);
  return samples;
}

}  // namespace

extern const OptimizerKind rmsprop_kind;
constinit const OptimizerKind rmsprop_kind = {
    .field = v1::Optimizer::kRmsprop,
    .documentation = "Gradients over the root of a moving mean of their squares, with momentum.",
    .source = "Tieleman and Hinton 2012; Graves 2013, eq. 38 to 45 (centered); Keras, RMSprop",
    .check = CheckSettings,
    .learning_rate = LearningRate,
    .set_learning_rate = SetLearningRate,
    .slots = Slots,
    .hyper = HyperOf,
    .update = Update,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::optimizers
