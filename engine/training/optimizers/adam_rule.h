// SPDX-License-Identifier: Apache-2.0
// Adam, for the kinds that are it with other defaults.
#pragma once

#include <string>
#include <vector>

#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::optimizers {

// What Hyper::settings are for the kinds of Adam's family.
enum AdamSetting { kBeta1, kBeta2, kRest2, kEpsilon, kAmsgrad };

// Of a message with the family's fields.
template <typename Spec>
Hyper AdamHyper(const Spec& spec) {
  Hyper hyper;
  hyper.learning_rate = static_cast<float>(spec.learning_rate());
  hyper.settings[kBeta1] = static_cast<float>(spec.beta_1());
  hyper.settings[kBeta2] = static_cast<float>(spec.beta_2());
  hyper.settings[kRest2] = static_cast<float>(1 - spec.beta_2());
  hyper.settings[kEpsilon] = static_cast<float>(spec.epsilon());
  return hyper;
}

// The functions of a kind whose message has amsgrad, too.
std::vector<std::string> AdamSlots(bool amsgrad);
// factors[0] becomes the corrected learning rate.
void PrepareAdam(Hyper& hyper);
void UpdateAdam(const Hyper& hyper, const Stretch& stretch);
struct AdamNumbers {
  double learning_rate;
  double beta_1;
  double beta_2;
  double epsilon;
  bool amsgrad;
};
void AdamReference(const AdamNumbers& spec, double gradient, int64_t step, double& weight,
                   std::span<double> slots);

// 1 / (1 - beta^t) for step t, from 1.
double Correction(double beta, int64_t t);

}  // namespace gradus::optimizers
