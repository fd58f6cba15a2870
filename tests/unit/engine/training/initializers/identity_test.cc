// SPDX-License-Identifier: Apache-2.0
// Identity: the diagonal of any matrix, and of matrices alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/training/initializers/kind.h"

namespace gradus::initializers {
namespace {

using ::testing::ElementsAre;

std::vector<float> Draw(double gain, const std::vector<int64_t>& shape) {
  v1::Initializer spec;
  spec.mutable_identity()->set_gain(gain);
  std::vector<float> values(static_cast<size_t>(shape[0] * shape[1]), 9.0F);
  Find(spec)->draw(spec, {.shape = shape, .fan_in = 1, .fan_out = 1}, {}, values);
  return values;
}

TEST(Identity, FillsInKerasDefaults) {
  v1::Initializer spec;
  spec.mutable_identity();
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_EQ(spec.identity().gain(), 1);
}

TEST(Identity, HasItsGainOnTheDiagonal) {
  EXPECT_THAT(Draw(1, {2, 2}), ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(Draw(0.5, {2, 3}), ElementsAre(0.5, 0, 0, 0, 0.5, 0));
  EXPECT_THAT(Draw(-2, {3, 2}), ElementsAre(-2, 0, 0, -2, 0, 0));
}

TEST(Identity, RefusesWhatIsNoMatrix) {
  v1::Initializer spec;
  spec.mutable_identity();
  const int64_t vector[] = {5};
  const int64_t image[] = {3, 3, 2, 2};
  EXPECT_EQ(CheckShape(spec, vector).message(), "identity: a weight of shape (5) has not two axes");
  EXPECT_EQ(CheckShape(spec, image).message(),
            "identity: a weight of shape (3, 3, 2, 2) has not two axes");
  spec.mutable_identity()->set_gain(std::numeric_limits<double>::infinity());
  EXPECT_EQ(Check(spec).message(), "identity.gain: inf is not a finite number");
}

}  // namespace
}  // namespace gradus::initializers
