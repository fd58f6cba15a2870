// SPDX-License-Identifier: Apache-2.0
// AdamW: Adam with weight decay, which is what differs in its defaults.
#include "engine/training/optimizers/adam_rule.h"

namespace gradus::optimizers {
namespace {

absl::Status CheckSettings(v1::Optimizer& optimizer) {
  v1::AdamW& spec = *optimizer.mutable_adamw();
  RETURN_IF_ERROR(FillLearningRate(spec, 0.001));
  if (!spec.has_amsgrad()) spec.set_amsgrad(false);
  if (!spec.has_weight_decay()) spec.set_weight_decay(0.004);
  RETURN_IF_ERROR(FillBetas(spec, 0.999));
  return FillEpsilon(spec);
}

double LearningRate(const v1::Optimizer& spec) { return spec.adamw().learning_rate(); }

void SetLearningRate(v1::Optimizer& spec, double learning_rate) {
  spec.mutable_adamw()->set_learning_rate(learning_rate);
}

std::vector<std::string> Slots(const v1::Optimizer& spec) {
  return AdamSlots(spec.adamw().amsgrad());
}

Hyper HyperOf(const v1::Optimizer& spec) {
  Hyper hyper = AdamHyper(spec.adamw());
  hyper.settings[kAmsgrad] = spec.adamw().amsgrad() ? 1 : 0;
  return hyper;
}

void Reference(const v1::Optimizer& optimizer, double gradient, int64_t step, double& weight,
               std::span<double> slots) {
  const v1::AdamW& spec = optimizer.adamw();
  AdamReference(
      {spec.learning_rate(), spec.beta_1(), spec.beta_2(), spec.epsilon(), spec.amsgrad()},
      gradient, step, weight, slots);
}

std::vector<v1::Optimizer> Samples() {
  std::vector<v1::Optimizer> samples(1);
  samples[0].mutable_adamw()->set_learning_rate(0.1);
  return samples;
}

}  // namespace

extern const OptimizerKind adamw_kind;
constinit const OptimizerKind adamw_kind = {
    .field = v1::Optimizer::kAdamw,
    .documentation = "Adam with weight decay that the gradients know nothing of.",
    .source = "Loshchilov and Hutter 2019, alg. 2; Keras, AdamW",
    .check = CheckSettings,
    .learning_rate = LearningRate,
    .set_learning_rate = SetLearningRate,
    .slots = Slots,
    .hyper = HyperOf,
    .prepare = PrepareAdam,
    .update = UpdateAdam,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::optimizers
