// SPDX-License-Identifier: Apache-2.0
// Names and slices of layers.
#include "engine/graph/layer_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::vector<std::string> kNames = {"flatten", "dense", "dense_1", "dense_2"};

std::vector<int> Select(const std::vector<std::string>& selectors) {
  const absl::StatusOr<std::vector<int>> selected = SelectLayers(kNames, selectors, "freeze");
  EXPECT_TRUE(selected.ok()) << selected.status();
  return selected.value_or(std::vector<int>{});
}

std::string ErrorOf(const std::string& selector) {
  const std::vector<std::string> selectors = {"dense", selector};
  const absl::Status status = SelectLayers(kNames, selectors, "freeze").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << selector;
  return std::string(status.message());
}

TEST(LayerSelectionTest, TakesSlicesAsPythonDoes) {
  EXPECT_THAT(Select({":-1"}), ElementsAre(0, 1, 2));
  EXPECT_THAT(Select({"2:"}), ElementsAre(2, 3));
  EXPECT_THAT(Select({"1:3"}), ElementsAre(1, 2));
  EXPECT_THAT(Select({":"}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Select({"-2:-1"}), ElementsAre(2));
}

TEST(LayerSelectionTest, JoinsSelectorsInOrderOfTheLayers) {
  EXPECT_THAT(Select({"dense_2", ":1", "dense_2"}), ElementsAre(0, 3));
}

TEST(LayerSelectionTest, SelectsNothingFromNoSelectors) { EXPECT_TRUE(Select({}).empty()); }

TEST(LayerSelectionTest, RefusesWhatLeavesTheModelOrSelectsNothing) {
  for (const char* selector :
       {":5", "-5:", "a:b", "1:2:3", "2:2", "3:1", "99999999999999999999:"}) {
    EXPECT_THAT(ErrorOf(selector), StartsWith("freeze[1]: \"")) << selector;
  }
}

TEST(LayerSelectionTest, SuggestsTheNearestName) {
  EXPECT_THAT(ErrorOf("dense_l"), HasSubstr("did you mean"));
}

}  // namespace
}  // namespace gradus::graph
