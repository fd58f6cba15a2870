// SPDX-License-Identifier: Apache-2.0
// One call of a loss's kernel on a few numbers.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "engine/training/losses/kind.h"

namespace gradus::losses {

struct LossFigures {
  double sum = 0;
  std::vector<float> gradient;
};

// On rows as wide as the predictions by `rows`; the gradient is that of the sum.
inline LossFigures CallLoss(v1::Loss spec, std::vector<float> predictions, const void* targets,
                            int64_t rows, bool logits = false) {
  EXPECT_TRUE(Check(spec).ok());
  LossFigures figures{.sum = 0, .gradient = std::vector<float>(predictions.size(), -99)};
  void* prediction_pointer = predictions.data();
  void* target_pointer = const_cast<void*>(targets);  // only read
  void* gradient_pointer = figures.gradient.data();
  const auto kernel =
      Find(spec)->lower(spec, {.predictions = &prediction_pointer,
                               .targets = &target_pointer,
                               .diff = &gradient_pointer,
                               .sum = &figures.sum,
                               .rows = rows,
                               .width = static_cast<int64_t>(predictions.size()) / rows,
                               .scale = 1,
                               .logits = logits});
  EXPECT_TRUE(kernel.ok()) << kernel.status();
  EXPECT_TRUE((*kernel)->Run().ok());
  return figures;
}

}  // namespace gradus::losses
