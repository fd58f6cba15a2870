// SPDX-License-Identifier: Apache-2.0
#include "engine/graph/start_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/status.h"
#include "proto/support/parse.h"

namespace gradus::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Graph Of(const std::string& yaml) {
  return Graph::Create(support::Parse<v1::ModelSpec>(yaml).value()).value();
}

std::map<std::string, PublishedTensors> Base() {
  return {{"net@1", TensorsOf(Of("{input_shape: [4], layers: [dense: {units: 3}, "
                                 "batch_normalization: {}, dense: {units: 2}]}"))}};
}

std::string Told(const v1::TensorStart& start) {
  return start.tensor() + " " + v1::TensorStart::Start_Name(start.start());
}

TEST(StartPlan, TellsOfEachTensorHereAndOfThoseThatAreLeft) {
  const auto plan =
      PlanStart(Of("{input_shape: [4], layers: [{from: net@1/dense, dense: {units: 3}}, "
                   "{from: net@1/batch_normalization, batch_normalization: {}}, "
                   "dense: {units: 5}]}"),
                Base());
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::vector<std::string> told;
  for (const v1::TensorStart& start : *plan) told.push_back(Told(start));
  EXPECT_THAT(
      told,
      ElementsAre("dense/kernel LOADED", "dense/bias LOADED", "batch_normalization/gamma LOADED",
                  "batch_normalization/beta LOADED", "batch_normalization/moving_mean LOADED",
                  "batch_normalization/moving_variance LOADED", "dense_1/kernel INITIALIZED",
                  "dense_1/bias INITIALIZED", "dense_1/bias SKIPPED", "dense_1/kernel SKIPPED"));
  EXPECT_EQ((*plan)[0].from(), "net@1/dense/kernel");
}

TEST(StartPlan, AnotherShapeIsAnErrorUnlessTheModelAllowsIt) {
  const std::string model = "input_shape: [4], layers: [{from: net@1/dense, dense: {units: 7}}]";
  const absl::Status refused = PlanStart(Of("{" + model + "}"), Base()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_EQ(base::FieldOf(refused), "layers[0].from");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("(4, 7) here and (4, 3) in net@1"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("allow_mismatch"));
  const auto plan = PlanStart(Of("{allow_mismatch: true, " + model + "}"), Base());
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(Told((*plan)[0]), "dense/kernel MISMATCHED");
  EXPECT_THAT((*plan)[0].reason(), HasSubstr("(4, 3)"));
}

TEST(StartPlan, WhatIsNotThereIsAnError) {
  for (const char* from : {"net@2/dense", "net@1/dens", "net@1/batch_normalization"}) {
    const absl::Status status =
        PlanStart(Of("{input_shape: [4], layers: [{from: " + std::string(from) +
                     ", dense: {units: 3}}]}"),
                  Base())
            .status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << from;
    EXPECT_EQ(base::FieldOf(status), "layers[0].from") << from;
  }
}

}  // namespace
}  // namespace gradus::graph
