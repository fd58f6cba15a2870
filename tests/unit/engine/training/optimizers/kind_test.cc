// SPDX-License-Identifier: Apache-2.0
// The default optimizer, and paths of what is wrong.
#include "engine/training/optimizers/kind.h"

#include <gtest/gtest.h>

namespace gradus::optimizers {
namespace {

TEST(OptimizerKind, IsSgdWhereNothingIsSaid) {
  v1::Optimizer spec;
  EXPECT_EQ(Find(spec), nullptr);
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_TRUE(spec.has_sgd());
  EXPECT_EQ(Word(*Find(spec)), "sgd");
}

TEST(OptimizerKind, PutsItsWordBeforeItsFields) {
  v1::Optimizer spec;
  spec.mutable_sgd()->set_momentum(1);
  EXPECT_EQ(Check(spec).message(), "sgd.momentum: 1 is not at least 0 and less than 1");
}

}  // namespace
}  // namespace gradus::optimizers
