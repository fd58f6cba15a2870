// SPDX-License-Identifier: Apache-2.0
// Moving averages in the place of the weights, for as long as something looks at them.
#pragma once

#include "engine/plan/executable.h"

namespace gradus::trainer {

// No training step may come while it lives.
class AveragedWeights {
 public:
  explicit AveragedWeights(plan::Executable& executable) : executable_(executable) {
    executable_.SwapAverages();
  }
  ~AveragedWeights() { executable_.SwapAverages(); }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  plan::Executable& executable_;
};

}  // namespace gradus::trainer
