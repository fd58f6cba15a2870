// SPDX-License-Identifier: Apache-2.0
// Initializers are found by what a spec says, and must be given.
#include "engine/training/initializers/kind.h"

#include <gtest/gtest.h>

namespace gradus::initializers {
namespace {

TEST(InitializerKind, MustBeGiven) {
  v1::Initializer spec;
  EXPECT_EQ(Check(spec).message(), "no initializer is given");
  spec.mutable_he_normal();
  EXPECT_TRUE(Check(spec).ok());
  EXPECT_EQ(Word(*Find(spec)), "he_normal");
}

TEST(InitializerKind, PutsItsWordBeforeItsFields) {
  v1::Initializer spec;
  spec.mutable_variance_scaling()->set_scale(-1);
  EXPECT_EQ(Check(spec).message(),
            "variance_scaling.scale: -1 is not a finite number greater than 0");
}

}  // namespace
}  // namespace gradus::initializers
