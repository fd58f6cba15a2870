// SPDX-License-Identifier: Apache-2.0
// Adagrad: each step is divided by the root of the sum of all squared gradients.
#include <cmath>

#include "engine/kernels/vector/functions.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::optimizers {
namespace {

enum Setting { kEpsilon };

absl::Status CheckSettings(v1::Optimizer& optimizer) {
  v1::Adagrad& spec = *optimizer.mutable_adagrad();
  RETURN_IF_ERROR(FillLearningRate(spec, 0.001));
  if (!spec.has_initial_accumulator_value()) spec.set_initial_accumulator_value(0.1);
  RETURN_IF_ERROR(CheckNotNegative("initial_accumulator_value", spec.initial_accumulator_value()));
  return FillEpsilon(spec);
}

double LearningRate(const v1::Optimizer& spec) { return spec.adagrad().learning_rate(); }

void SetLearningRate(v1::Optimizer& spec, double learning_rate) {
  spec.mutable_adagrad()->set_learning_rate(learning_rate);
}

std::vector<std::string> Slots(const v1::Optimizer&) { return {"accumulator"}; }

float SlotStart(const v1::Optimizer& spec) {
  return static_cast<float>(spec.adagrad().initial_accumulator_value());
}

Hyper HyperOf(const v1::Optimizer& spec) {
  Hyper hyper;
  hyper.learning_rate = static_cast<float>(spec.adagrad().learning_rate());
  hyper.settings[kEpsilon] = static_cast<float>(spec.adagrad().epsilon());
  return hyper;
}

void Update(const Hyper& hyper, const Stretch& s) {
  kernels::Vector().adagrad(s.weights, s.gradients, s.slots[0], hyper.learning_rate,
                            hyper.settings[kEpsilon], s.count);
}

void Reference(const v1::Optimizer& optimizer, double g, int64_t, double& weight,
               std::span<double> slots) {
  const v1::Adagrad& spec = optimizer.adagrad();
  slots[0] += g * g;
  weight -= spec.learning_rate() * g / std::sqrt(slots[0] + spec.epsilon());
}

std::vector<v1::Optimizer> Samples() {
  std::vector<v1::Optimizer> samples(2);
  for (v1::Optimizer& sample : samples) sample.mutable_adagrad()->set_learning_rate(0.1);
  samples[1].mutable_adagrad()->set_initial_accumulator_value(0);
  samples[1].mutable_adagrad()->set_epsilon(0.01);
  return samples;
}

}  // namespace

extern const OptimizerKind adagrad_kind;
constinit const OptimizerKind adagrad_kind = {
    .field = v1::Optimizer::kAdagrad,
    .documentation = "Gradients over the root of the sum of their squares so far.",
    .source = "Duchi, Hazan, Singer 2011; Keras, Adagrad",
    .check = CheckSettings,
    .learning_rate = LearningRate,
    .set_learning_rate = SetLearningRate,
    .slots = Slots,
    .hyper = HyperOf,
    .slot_start = SlotStart,
    .update = Update,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::optimizers
