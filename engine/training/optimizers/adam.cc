// SPDX-License-Identifier: Apache-2.0
// Adam: moving means of gradients and of their squares, corrected for their start.
#include "engine/training/optimizers/adam_rule.h"

namespace gradus::optimizers {
namespace {

absl::Status CheckSettings(v1::Optimizer& optimizer) {
  v1::Adam& spec = *optimizer.mutable_adam();
  RETURN_IF_ERROR(FillLearningRate(spec, 0.001));
  if (!spec.has_amsgrad()) spec.set_amsgrad(false);
  RETURN_IF_ERROR(FillBetas(spec, 0.999));
  return FillEpsilon(spec);
}

double LearningRate(const v1::Optimizer& spec) { return spec.adam().learning_rate(); }

void SetLearningRate(v1::Optimizer& spec, double learning_rate) {
  spec.mutable_adam()->set_learning_rate(learning_rate);
}

std::vector<std::string> Slots(const v1::Optimizer& spec) {
  return AdamSlots(spec.adam().amsgrad());
}

Hyper HyperOf(const v1::Optimizer& spec) {
  Hyper hyper = AdamHyper(spec.adam());
  hyper.settings[kAmsgrad] = spec.adam().amsgrad() ? 1 : 0;
  return hyper;
}

void Reference(const v1::Optimizer& optimizer, double gradient, int64_t step, double& weight,
               std::span<double> slots) {
  const v1::Adam& spec = optimizer.adam();
  AdamReference(
      {spec.learning_rate(), spec.beta_1(), spec.beta_2(), spec.epsilon(), spec.amsgrad()},
      gradient, step, weight, slots);
}

std::vector<v1::Optimizer> Samples() {
  std::vector<v1::Optimizer> samples(3);
  for (v1::Optimizer& sample : samples) sample.mutable_adam()->set_learning_rate(0.1);
  samples[1].mutable_adam()->set_amsgrad(true);
  samples[2].mutable_adam()->set_beta_1(0.5);
  samples[2].mutable_adam()->set_beta_2(0.9);
  samples[2].mutable_adam()->set_epsilon(0.01);
  return samples;
}

}  // namespace

extern const OptimizerKind adam_kind;
constinit const OptimizerKind adam_kind = {
    .field = v1::Optimizer::kAdam,
    .documentation =
        "Moving means of gradients over the root of those of their squares, corrected for their "
        "start.",
    .source =
        "Kingma and Ba 2015, alg. 1, as rearranged in sec. 2; Reddi, Kale, Kumar 2018 (amsgrad); "
        "Keras, Adam",
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
