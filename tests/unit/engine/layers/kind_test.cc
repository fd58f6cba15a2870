// SPDX-License-Identifier: Apache-2.0
// Kinds are found by what a spec says.
#include "engine/layers/kind.h"

#include <gtest/gtest.h>

namespace gradus::layers {
namespace {

TEST(LayerKind, IsFoundByTheFieldThatIsSet) {
  v1::Layer spec;
  EXPECT_EQ(Find(spec), nullptr);
  spec.mutable_dense();
  ASSERT_NE(Find(spec), nullptr);
  EXPECT_EQ(Word(*Find(spec)), "dense");
  spec.mutable_flatten();
  EXPECT_EQ(Word(*Find(spec)), "flatten");
}

}  // namespace
}  // namespace gradus::layers
