// SPDX-License-Identifier: Apache-2.0
// Lion: steps of one length, by the sign of a mixture of momentum and gradient.
#include "engine/kernels/vector/functions.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::optimizers {
namespace {

enum Setting { kBeta1, kBeta2 };

absl::Status CheckSettings(v1::Optimizer& optimizer) {
  v1::Lion& spec = *optimizer.mutable_lion();
  RETURN_IF_ERROR(FillLearningRate(spec, 0.001));
  return FillBetas(spec, 0.99);
}

double LearningRate(const v1::Optimizer& spec) { return spec.lion().learning_rate(); }

void SetLearningRate(v1::Optimizer& spec, double learning_rate) {
  spec.mutable_lion()->set_learning_rate(learning_rate);
}

std::vector<std::string> Slots(const v1::Optimizer&) { return {"momentum"}; }

Hyper HyperOf(const v1::Optimizer& spec) {
  Hyper hyper;
  hyper.learning_rate = static_cast<float>(spec.lion().learning_rate());
  hyper.settings[kBeta1] = static_cast<float>(spec.lion().beta_1());
  hyper.settings[kBeta2] = static_cast<float>(spec.lion().beta_2());
  return hyper;
}

void Update(const Hyper& hyper, const Stretch& s) {
  kernels::Vector().lion(s.weights, s.gradients, s.slots[0], hyper.learning_rate,
                         hyper.settings[kBeta1], hyper.settings[kBeta2], s.count);
}

void Reference(const v1::Optimizer& optimizer, double g, int64_t, double& weight,
               std::span<double> slots) {
  const v1::Lion& spec = optimizer.lion();
  const double mixed = spec.beta_1() * slots[0] + (1 - spec.beta_1()) * g;
  weight -= spec.learning_rate() * ((mixed > 0 ? 1 : 0) - (mixed < 0 ? 1 : 0));
  slots[0] = spec.beta_2() * slots[0] + (1 - spec.beta_2()) * g;
}

std::vector<v1::Optimizer> Samples() {
  std::vector<v1::Optimizer> samples(1);
  samples[0].mutable_lion()->set_learning_rate(0.01);
  return samples;
}

}  // namespace

extern const OptimizerKind lion_kind;
constinit const OptimizerKind lion_kind = {
    .field = v1::Optimizer::kLion,
    .documentation = "Steps of one length, by the sign of a mixture of momentum and gradient.",
    .source = "Chen et al. 2023, alg. 2; Keras, Lion",
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
