// SPDX-License-Identifier: Apache-2.0
// What a predictor gives is what an evaluation's loss looks at, its last activation done; values
// are held against the references in tests/conformance.
#include "engine/plan/predictor.h"

#include <gtest/gtest.h>

#include "tests/unit/engine/plan/nets.h"

namespace gradus::plan {
namespace {

std::vector<NamedTensor> WeightsOf(const graph::Graph& graph) {
  const auto executable = Executable::Create(graph, ClassifierSetup(1, 1, 1)).value();
  executable->InitializeWeights(5);
  return executable->ExportWeights();
}

TEST(Predictor, GivesProbabilitiesThoughALossWouldTakeLogits) {
  const graph::Graph graph = Classifier({19, 33, 7});
  const auto predictor = Predictor::Create(graph, WeightsOf(graph), {}).value();
  const Rows rows(graph, 5, 1);
  std::vector<float> outputs(35);
  ASSERT_TRUE(predictor->Predict(rows.inputs.data(), 5, outputs.data()).ok());
  for (size_t row = 0; row < 5; ++row) {
    double sum = 0;
    for (size_t i = 0; i < 7; ++i) sum += static_cast<double>(outputs[7 * row + i]);
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

TEST(Predictor, ARowsAnswerDoesNotDependOnTheRowsBesideItOrOnShards) {
  const graph::Graph graph = Classifier({19, 33, 7});
  const std::vector<NamedTensor> weights = WeightsOf(graph);
  const Rows rows(graph, 32, 1);
  const auto alone = Predictor::Create(graph, weights, {}).value();
  std::vector<float> expected(32 * 7);
  for (int64_t row = 0; row < 32; ++row) {
    ASSERT_TRUE(alone->Predict(rows.inputs.data() + row * 19, 1, expected.data() + row * 7).ok());
  }
  const auto sharded = Predictor::Create(graph, weights, {.logical_shards = 4, .cores = 2}).value();
  std::vector<float> found(32 * 7);
  ASSERT_TRUE(sharded->Predict(rows.inputs.data(), 32, found.data()).ok());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6);
  // Fewer rows than shards.
  ASSERT_TRUE(sharded->Predict(rows.inputs.data(), 3, found.data()).ok());
  for (size_t i = 0; i < 21; ++i) EXPECT_NEAR(found[i], expected[i], 1e-6);
}

TEST(Predictor, ANetworkOfViewsGivesItsInput) {
  v1::ModelSpec spec;
  spec.add_input_shape(2);
  spec.add_input_shape(3);
  spec.add_layers()->mutable_flatten();
  const auto predictor = Predictor::Create(graph::Graph::Create(spec).value(), {}, {}).value();
  const std::vector<float> inputs = {1, 2, 3, 4, 5, 6};
  std::vector<float> outputs(6);
  ASSERT_TRUE(predictor->Predict(inputs.data(), 1, outputs.data()).ok());
  EXPECT_EQ(outputs, inputs);
}

TEST(Predictor, RefusesWhatDoesNotFit) {
  const graph::Graph graph = Classifier({19, 7});
  std::vector<NamedTensor> weights = WeightsOf(graph);
  const auto predictor = Predictor::Create(graph, weights, {.batch_size = 4}).value();
  std::vector<float> inputs(5 * 19);
  std::vector<float> outputs(5 * 7);
  for (const int64_t rows : {0, 5})
    EXPECT_TRUE(absl::IsInvalidArgument(predictor->Predict(inputs.data(), rows, outputs.data())));
  EXPECT_TRUE(
      absl::IsInvalidArgument(Predictor::Create(graph, weights, {.logical_shards = 3}).status()));
  weights[0].shape = {7, 19};
  EXPECT_TRUE(absl::IsInvalidArgument(Predictor::Create(graph, weights, {}).status()));
  weights.pop_back();
  EXPECT_TRUE(absl::IsInvalidArgument(Predictor::Create(graph, weights, {}).status()));
}

}  // namespace
}  // namespace gradus::plan
