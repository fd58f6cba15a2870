// SPDX-License-Identifier: Apache-2.0
// Adam's rule.
#include "engine/training/optimizers/adam_rule.h"

#include <algorithm>
#include <cmath>

#include "engine/kernels/vector/functions.h"

namespace gradus::optimizers {

std::vector<std::string> AdamSlots(bool amsgrad) {
  std::vector<std::string> slots = {"m", "v"};
  if (amsgrad) slots.push_back("largest_v");
  return slots;
}

double Correction(double beta, int64_t t) {
  return 1 / (1 - std::pow(beta, static_cast<double>(t)));
}

void PrepareAdam(Hyper& hyper) {
  const int64_t t = hyper.step + 1;
  // 1 - beta_2 is the more exact of the two.
  const double beta_2 = 1 - static_cast<double>(hyper.settings[kRest2]);
  hyper.factors[0] = static_cast<float>(static_cast<double>(hyper.learning_rate) *
                                        Correction(static_cast<double>(hyper.settings[kBeta1]), t) /
                                        std::sqrt(Correction(beta_2, t)));
}

void UpdateAdam(const Hyper& hyper, const Stretch& s) {
  kernels::Vector().adam(s.weights, s.gradients, s.slots[0], s.slots[1],
                         hyper.settings[kAmsgrad] != 0 ? s.slots[2] : nullptr,
                         {.rate = hyper.factors[0],
                          .beta_1 = hyper.settings[kBeta1],
                          .beta_2 = hyper.settings[kBeta2],
                          .rest_2 = hyper.settings[kRest2],
                          .epsilon = hyper.settings[kEpsilon]},
                         s.count);
}

void AdamReference(const AdamNumbers& spec, double g, int64_t step, double& weight,
                   std::span<double> slots) {
  const double t = static_cast<double>(step + 1);
  slots[0] += (g - slots[0]) * (1 - spec.beta_1);
  slots[1] += (g * g - slots[1]) * (1 - spec.beta_2);
  if (spec.amsgrad) slots[2] = std::max(slots[2], slots[1]);
  const double rate =
      spec.learning_rate * std::sqrt(1 - std::pow(spec.beta_2, t)) / (1 - std::pow(spec.beta_1, t));
  weight -= rate * slots[0] / (std::sqrt(spec.amsgrad ? slots[2] : slots[1]) + spec.epsilon);
}

}  // namespace gradus::optimizers
