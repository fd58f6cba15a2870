// SPDX-License-Identifier: Apache-2.0
// Nadam: Adam that looks ahead, by a momentum that grows with the steps.
#include <algorithm>
#include <cmath>

#include "engine/kernels/vector/functions.h"
#include "engine/training/optimizers/adam_rule.h"

namespace gradus::optimizers {
namespace {

// What Hyper::factors are.
enum Factor { kRateM, kRateG, kCorrection2 };

// The momentum of step t, from 1.
double MomentumAt(double beta_1, int64_t t) {
  return beta_1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(t)));
}

// The product of the momenta of steps 1 to t. From some step on they are beta_1 to the last bit.
double ProductTo(double beta_1, int64_t t) {
  constexpr int64_t kSettled = 1000;
  double product = 1;
  for (int64_t i = 1; i <= std::min(t, kSettled); ++i) product *= MomentumAt(beta_1, i);
  return t > kSettled ? product * std::pow(beta_1, static_cast<double>(t - kSettled)) : product;
}

absl::Status CheckSettings(v1::Optimizer& optimizer) {
  v1::Nadam& spec = *optimizer.mutable_nadam();
  RETURN_IF_ERROR(FillLearningRate(spec, 0.001));
  RETURN_IF_ERROR(FillBetas(spec, 0.999));
  return FillEpsilon(spec);
}

double LearningRate(const v1::Optimizer& spec) { return spec.nadam().learning_rate(); }

void SetLearningRate(v1::Optimizer& spec, double learning_rate) {
  spec.mutable_nadam()->set_learning_rate(learning_rate);
}

std::vector<std::string> Slots(const v1::Optimizer&) { return {"m", "v"}; }

Hyper HyperOf(const v1::Optimizer& spec) { return AdamHyper(spec.nadam()); }

void Prepare(Hyper& hyper) {
  const int64_t t = hyper.step + 1;
  const double beta_1 = static_cast<double>(hyper.settings[kBeta1]);
  const double rate = static_cast<double>(hyper.learning_rate);
  const double product = ProductTo(beta_1, t);
  const double next = MomentumAt(beta_1, t + 1);
  hyper.factors[kRateM] = static_cast<float>(rate * next / (1 - product * next));
  hyper.factors[kRateG] = static_cast<float>(rate * (1 - MomentumAt(beta_1, t)) / (1 - product));
  hyper.factors[kCorrection2] =
      static_cast<float>(Correction(1 - static_cast<double>(hyper.settings[kRest2]), t));
}

void Update(const Hyper& hyper, const Stretch& s) {
  kernels::Vector().nadam(s.weights, s.gradients, s.slots[0], s.slots[1],
                          {.beta_1 = hyper.settings[kBeta1],
                           .rest_2 = hyper.settings[kRest2],
                           .epsilon = hyper.settings[kEpsilon],
                           .correction = hyper.factors[kCorrection2]},
                          hyper.factors[kRateM], hyper.factors[kRateG], s.count);
}

void Reference(const v1::Optimizer& optimizer, double g, int64_t step, double& weight,
               std::span<double> slots) {
  const v1::Nadam& spec = optimizer.nadam();
  slots[0] += (g - slots[0]) * (1 - spec.beta_1());
  slots[1] += (g * g - slots[1]) * (1 - spec.beta_2());
  double product = 1;
  double now = 0;
  for (int64_t i = 1; i <= step + 1; ++i) {
    now = spec.beta_1() * (1 - 0.5 * std::pow(0.96, static_cast<double>(i)));
    product *= now;
  }
  const double next = spec.beta_1() * (1 - 0.5 * std::pow(0.96, static_cast<double>(step + 2)));
  const double m = next * slots[0] / (1 - product * next) + (1 - now) * g / (1 - product);
  const double v = slots[1] / (1 - std::pow(spec.beta_2(), static_cast<double>(step + 1)));
  weight -= spec.learning_rate() * m / (std::sqrt(v) + spec.epsilon());
}

std::vector<v1::Optimizer> Samples() {
  std::vector<v1::Optimizer> samples(2);
  for (v1::Optimizer& sample : samples) sample.mutable_nadam()->set_learning_rate(0.1);
  samples[1].mutable_nadam()->set_beta_1(0.5);
  samples[1].mutable_nadam()->set_beta_2(0.9);
  return samples;
}

}  // namespace

extern const OptimizerKind nadam_kind;
constinit const OptimizerKind nadam_kind = {
    .field = v1::Optimizer::kNadam,
    .documentation = "Adam that looks ahead as Nesterov does.",
    .source = "Dozat 2016, alg. 2, with his schedule of momenta; Keras, Nadam",
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
