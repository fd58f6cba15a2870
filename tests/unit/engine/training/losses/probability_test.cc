// SPDX-License-Identifier: Apache-2.0
// Probabilities before their logarithm is taken.
#include "engine/training/losses/probability.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gradus::losses {
namespace {

TEST(Probability, IsCutAtBothEnds) {
  EXPECT_EQ(Cut(0), 1e-7);
  EXPECT_EQ(Cut(1), 1 - 1e-7);
  EXPECT_EQ(Cut(-5), 1e-7);
  EXPECT_EQ(Cut(0.25), 0.25);
  EXPECT_TRUE(IsCut(0) && IsCut(1));
  EXPECT_FALSE(IsCut(1e-7) || IsCut(0.5) || IsCut(1 - 1e-7));
}

TEST(VectorLength, IsThatOfAVectorLongEnough) {
  const std::vector<int64_t> ten = {10};
  EXPECT_EQ(VectorLength(ten, 2).value(), 10);
  const std::vector<int64_t> one = {1};
  EXPECT_EQ(VectorLength(one, 2).status().message(),
            "the model's output of shape (1) is not a vector of at least 2 values");
  const std::vector<int64_t> image = {3, 4};
  EXPECT_FALSE(VectorLength(image, 2).ok());
}

}  // namespace
}  // namespace gradus::losses
