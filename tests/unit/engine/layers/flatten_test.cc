// SPDX-License-Identifier: Apache-2.0
// Flatten costs nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/layers/kind.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Flatten, MakesAVectorOfAnyShapeWithoutWork) {
  v1::Layer spec;
  spec.mutable_flatten();
  const LayerKind& kind = *Find(spec);
  const std::vector<Shape> inputs = {{2, 3, 5}};
  EXPECT_THAT(kind.infer(spec, inputs).value(), ElementsAre(30));
  EXPECT_THAT(kind.weights(spec, inputs), IsEmpty());
  const std::vector<Lowered> chain = kind.lower(spec, inputs);
  ASSERT_EQ(chain.size(), 1u);
  EXPECT_TRUE(chain[0].operation->is_view());
  EXPECT_EQ(chain[0].operation->dst_values(), 30);
}

}  // namespace
}  // namespace gradus::layers
