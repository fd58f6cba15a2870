// SPDX-License-Identifier: Apache-2.0
// Adamax: Adam by the largest gradient instead of the mean of squares.
#include <algorithm>
#include <cmath>

#include "engine/kernels/vector/functions.h"
#include "engine/training/optimizers/adam_rule.h"

namespace gradus::optimizers {
namespace {

absl::Status CheckSettings(v1::Optimizer& optimizer) {
  v1::Adamax& spec = *optimizer.mutable_adamax();
  RETURN_IF_ERROR(FillLearningRate(spec, 0.001));
  RETURN_IF_ERROR(FillBetas(spec, 0.999));
  return FillEpsilon(spec);
}

double LearningRate(const v1::Optimizer& spec) { return spec.adamax().learning_rate(); }

void SetLearningRate(v1::Optimizer& spec, double learning_rate) {
  spec.mutable_adamax()->set_learning_rate(learning_rate);
}

std::vector<std::string> Slots(const v1::Optimizer&) { return {"m", "u"}; }

Hyper HyperOf(const v1::Optimizer& spec) { return AdamHyper(spec.adamax()); }

void Prepare(Hyper& hyper) {
  hyper.factors[0] =
      static_cast<float>(static_cast<double>(hyper.learning_rate) *
                         Correction(static_cast<double>(hyper.settings[kBeta1]), hyper.step + 1));
}

void Update(const Hyper& hyper, const Stretch& s) {
  kernels::Vector().adamax(s.weights, s.gradients, s.slots[0], s.slots[1],
                           {.rate = hyper.factors[0],
                            .beta_1 = hyper.settings[kBeta1],
                            .beta_2 = hyper.settings[kBeta2],
                            .epsilon = hyper.settings[kEpsilon]},
                           s.count);
}

void Reference(const v1::Optimizer& optimizer, double g, int64_t step, double& weight,
               std::span<double> slots) {
  const v1::Adamax& spec = optimizer.adamax();
  slots[0] += (g - slots[0]) * (1 - spec.beta_1());
  slots[1] = std::max(spec.beta_2() * slots[1], std::abs(g));
  const double rate =
      spec.learning_rate() / (1 - std::pow(spec.beta_1(), static_cast<double>(step + 1)));
  weight -= rate * slots[0] / (slots[1] + spec.epsilon());
}

std::vector<v1::Optimizer> Samples() {
  std::vector<v1::Optimizer> samples(2);
  for (v1::Optimizer& sample : samples) sample.mutable_adamax()->set_learning_rate(0.1);
  samples[1].mutable_adamax()->set_beta_2(0.5);
  return samples;
}

}  // namespace

extern const OptimizerKind adamax_kind;
constinit const OptimizerKind adamax_kind = {
    .field = v1::Optimizer::kAdamax,
    .documentation = "Adam by the largest gradient so far instead of the mean of squares.",
    .source = "Kingma and Ba 2015, alg. 2; Keras, Adamax",
    .check = CheckSettings,
    .learning_rate = LearningRate,
    .set_learning_rate = SetLearningRate,
    .slots = Slots,
    .hyper = HyperOf,
    .prepare = Prepare,
    .update = Update,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::optimizers
