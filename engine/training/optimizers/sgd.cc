// SPDX-License-Identifier: Apache-2.0
// Gradient descent, Keras's form: v = momentum * v - learning_rate * g; w += v, or with nesterov w
// += momentum * v - learning_rate * g.
#include "engine/kernels/vector/functions.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::optimizers {
namespace {

enum Setting { kMomentum, kNesterov };

absl::Status CheckSettings(v1::Optimizer& optimizer) {
  v1::Sgd& spec = *optimizer.mutable_sgd();
  RETURN_IF_ERROR(FillLearningRate(spec, 0.01));
  if (!spec.has_momentum()) spec.set_momentum(0);
  RETURN_IF_ERROR(CheckDecay("momentum", spec.momentum()));
  if (!spec.has_nesterov()) spec.set_nesterov(false);
  return absl::OkStatus();
}

double LearningRate(const v1::Optimizer& spec) { return spec.sgd().learning_rate(); }

void SetLearningRate(v1::Optimizer& spec, double learning_rate) {
  spec.mutable_sgd()->set_learning_rate(learning_rate);
}

std::vector<std::string> Slots(const v1::Optimizer& spec) {
  return spec.sgd().momentum() > 0 ? std::vector<std::string>{"momentum"}
                                   : std::vector<std::string>{};
}

Hyper HyperOf(const v1::Optimizer& spec) {
  Hyper hyper;
  hyper.learning_rate = static_cast<float>(spec.sgd().learning_rate());
  hyper.settings[kMomentum] = static_cast<float>(spec.sgd().momentum());
  hyper.settings[kNesterov] = spec.sgd().nesterov() ? 1 : 0;
  return hyper;
}

void Update(const Hyper& hyper, const Stretch& s) {
  const kernels::VectorFunctions& vector = kernels::Vector();
  if (s.slots[0] == nullptr) {
    vector.sgd(s.weights, s.gradients, hyper.learning_rate, s.count);
  } else {
    vector.sgd_momentum(s.weights, s.gradients, s.slots[0], hyper.learning_rate,
                        hyper.settings[kMomentum], hyper.settings[kNesterov] != 0, s.count);
  }
}

void Reference(const v1::Optimizer& optimizer, double gradient, int64_t, double& weight,
               std::span<double> slots) {
  const v1::Sgd& spec = optimizer.sgd();
  if (slots.empty()) {
    weight -= spec.learning_rate() * gradient;
    return;
  }
  slots[0] = spec.momentum() * slots[0] - spec.learning_rate() * gradient;
  weight +=
      spec.nesterov() ? spec.momentum() * slots[0] - spec.learning_rate() * gradient : slots[0];
}

std::vector<v1::Optimizer> Samples() {
  std::vector<v1::Optimizer> samples(3);
  for (v1::Optimizer& sample : samples) sample.mutable_sgd()->set_learning_rate(0.1);
  samples[1].mutable_sgd()->set_momentum(0.9);
  samples[2].mutable_sgd()->set_momentum(0.5);
  samples[2].mutable_sgd()->set_nesterov(true);
  return samples;
}

}  // namespace

extern const OptimizerKind sgd_kind;
constinit const OptimizerKind sgd_kind = {
    .field = v1::Optimizer::kSgd,
    .documentation = "Gradient descent, with momentum and Nesterov's look ahead.",
    .source = "Sutskever, Martens, Dahl, Hinton 2013, in Keras's form",
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
