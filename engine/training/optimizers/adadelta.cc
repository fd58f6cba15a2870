// SPDX-License-Identifier: Apache-2.0
// Adadelta: steps as long as those before them were.
#include <cmath>

#include "engine/kernels/vector/functions.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::optimizers {
namespace {

enum Setting { kRho, kEpsilon };

absl::Status CheckSettings(v1::Optimizer& optimizer) {
  v1::Adadelta& spec = *optimizer.mutable_adadelta();
  RETURN_IF_ERROR(FillLearningRate(spec, 0.001));
  if (!spec.has_rho()) spec.set_rho(0.95);
  RETURN_IF_ERROR(CheckDecay("rho", spec.rho()));
  return FillEpsilon(spec);
}

double LearningRate(const v1::Optimizer& spec) { return spec.adadelta().learning_rate(); }

void SetLearningRate(v1::Optimizer& spec, double learning_rate) {
  spec.mutable_adadelta()->set_learning_rate(learning_rate);
}

std::vector<std::string> Slots(const v1::Optimizer&) {
  return {"accumulated_gradient", "accumulated_change"};
}

Hyper HyperOf(const v1::Optimizer& spec) {
  Hyper hyper;
  hyper.learning_rate = static_cast<float>(spec.adadelta().learning_rate());
  hyper.settings[kRho] = static_cast<float>(spec.adadelta().rho());
  hyper.settings[kEpsilon] = static_cast<float>(spec.adadelta().epsilon());
  return hyper;
}

void Update(const Hyper& hyper, const Stretch& s) {
  kernels::Vector().adadelta(s.weights, s.gradients, s.slots[0], s.slots[1], hyper.learning_rate,
                             hyper.settings[kRho], hyper.settings[kEpsilon], s.count);
}

void Reference(const v1::Optimizer& optimizer, double g, int64_t, double& weight,
               std::span<double> slots) {
  const v1::Adadelta& spec = optimizer.adadelta();
  slots[0] = spec.rho() * slots[0] + (1 - spec.rho()) * g * g;
  const double change =
      std::sqrt(slots[1] + spec.epsilon()) / std::sqrt(slots[0] + spec.epsilon()) * g;
  slots[1] = spec.rho() * slots[1] + (1 - spec.rho()) * change * change;
  weight -= spec.learning_rate() * change;
}

std::vector<v1::Optimizer> Samples() {
  std::vector<v1::Optimizer> samples(2);
  samples[0].mutable_adadelta()->set_learning_rate(1);
  samples[1].mutable_adadelta()->set_learning_rate(0.5);
  samples[1].mutable_adadelta()->set_rho(0.5);
  samples[1].mutable_adadelta()->set_epsilon(0.01);
  return samples;
}

}  // namespace

extern const OptimizerKind adadelta_kind;
constinit const OptimizerKind adadelta_kind = {
    .field = v1::Optimizer::kAdadelta,
    .documentation = "Steps whose length follows from that of the steps before.",
    .source = "Zeiler 2012, alg. 1; Keras, Adadelta",
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
