// SPDX-License-Identifier: Apache-2.0
// Layers that merge inputs of one shape.
#include "engine/layers/merging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;

std::vector<v1::Layer> All() {
  std::vector<v1::Layer> specs(6);
  specs[0].mutable_add();
  specs[1].mutable_subtract();
  specs[2].mutable_multiply();
  specs[3].mutable_average();
  specs[4].mutable_maximum();
  specs[5].mutable_minimum();
  return specs;
}

TEST(Merging, KeepsTheInputsShapeAndWantsOneForAll) {
  for (const v1::Layer& spec : All()) {
    EXPECT_THAT(InferredShape(spec, {{2, 3}, {2, 3}}), ElementsAre(2, 3));
    EXPECT_EQ(InferMessage(spec, {{2, 3}, {3}}),
              "inputs of shapes (2, 3) and (3) are not of one shape");
    EXPECT_EQ(InferMessage(spec, {{2, 3}, {2, 1}}),
              "inputs of shapes (2, 3) and (2, 1) are not of one shape");
  }
}

TEST(Merging, TakesTwoInputsOrMore) {
  for (const v1::Layer& spec : All()) {
    EXPECT_EQ(Find(spec)->min_inputs, 2);
    EXPECT_EQ(Find(spec)->max_inputs, spec.has_subtract() ? 2 : 1000);
  }
}

TEST(Merging, DoesWhatEachKindSays) {
  const std::vector<test_support::Values> inputs = {{1, -2}, {4, 8}};
  std::vector<test_support::Values> results;
  for (const v1::Layer& spec : All())
    results.push_back(LayerRun(spec, {{2}, {2}}).In({}).Forward(inputs));
  EXPECT_THAT(results, ElementsAre(ElementsAre(5, 6), ElementsAre(-3, -10), ElementsAre(4, -16),
                                   ElementsAre(2.5, 3), ElementsAre(4, 8), ElementsAre(1, -2)));
}

}  // namespace
}  // namespace gradus::layers
