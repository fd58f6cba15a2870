// SPDX-License-Identifier: Apache-2.0
// A folded network gives what the whole one gave, or there is none.
#include "engine/trainer/fold_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/plan/predictor.h"
#include "engine/plan/tensor_list.h"
#include "engine/trainer/weights_file.h"
#include "tests/unit/engine/trainer/training_fixture.h"

namespace gradus::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FoldRunTest : public ::testing::Test {
 protected:
  // 12 - 16 - normalization - relu - 4 softmax, with weights unlike any initializer's.
  FoldRunTest() {
    v1::ModelSpec model;
    model.add_input_shape(12);
    model.add_layers()->mutable_dense()->set_units(16);
    model.add_layers()->mutable_batch_normalization();
    model.add_layers()->mutable_activation()->mutable_relu();
    v1::Dense& output = *model.add_layers()->mutable_dense();
    output.set_units(4);
    output.mutable_activation()->mutable_softmax();
    Fold(model);
  }

  // Sets the job, over a model of this definition.
  void Fold(const v1::ModelSpec& model) {
    const v1::JobSpec small = SmallJob();
    v1::JobSpec& spec = folding.spec;
    spec.Clear();
    spec.set_kind(v1::JobSpec::FOLD);
    spec.mutable_fold()->set_model("net@3");
    spec.mutable_fold()->set_max_difference(1e-4);
    *spec.mutable_data()->mutable_test() = small.data().test();
    graph.emplace(graph::Graph::Create(model).value());
    *spec.mutable_model() = graph->spec();
    base::PhiloxStream random({.seed = 3});
    weights.clear();
    for (const graph::Parameter& parameter : graph->parameters()) {
      plan::NamedTensor& tensor = weights.emplace_back();
      tensor.name = parameter.name;
      tensor.shape = parameter.shape;
      for (int64_t i = 0; i < parameter.count; ++i) {
        const float value = static_cast<float>(random.NextBelow(1000)) / 500 - 1;
        tensor.values.push_back(parameter.statistic ? std::abs(value) + 0.1F : value);
      }
    }
    Store();
  }
  void Store() {
    const test_support::TempDir dir;
    blob = Load(WriteWeights(base::RealFiles(), dir.path(), "weights", weights).value(),
                folding.keeper.blobs);
  }
  absl::StatusOr<TrainResult> Run(Control& control) {
    TrainerInputs inputs = folding.Inputs();
    inputs.models[inputs.spec.fold().model()] = blob;
    return Train(inputs, control, folding.keeper);
  }
  absl::StatusOr<TrainResult> Run() {
    Control control;
    return Run(control);
  }
  bool WroteWeights() const {
    return base::ReadFile(base::RealFiles(), base::JoinPath(folding.dir.path(), "weights.index"),
                          1 << 20)
        .ok();
  }

  Training folding{v1::JobSpec()};
  std::optional<graph::Graph> graph;
  std::vector<plan::NamedTensor> weights;
  v1::BlobRef blob;
};

std::vector<float> Outputs(const graph::Graph& graph, const std::vector<plan::NamedTensor>& weights,
                           const std::vector<float>& inputs) {
  const auto predictor = plan::Predictor::Create(graph, weights, {}).value();
  const auto rows = static_cast<int64_t>(inputs.size()) / graph.input_values();
  std::vector<float> outputs(static_cast<size_t>(rows * graph.output_values()));
  EXPECT_TRUE(predictor->Predict(inputs.data(), rows, outputs.data()).ok());
  return outputs;
}

TEST_F(FoldRunTest, WhatItWritesGivesTheSameOutputs) {
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->model.has_value());
  EXPECT_EQ(result->model->layers_size(), 3);
  const std::vector<plan::NamedTensor> written = TensorsOf(result->weights);
  EXPECT_EQ(plan::WeightsSha256(written), result->weights_sha256);
  const graph::Graph folded = graph::Graph::Create(*result->model).value();
  std::vector<float> inputs;
  for (int i = 0; i < 12 * 20; ++i) inputs.push_back(std::sin(static_cast<float>(i)));
  const std::vector<float> expected = Outputs(*graph, weights, inputs);
  const std::vector<float> found = Outputs(folded, written, inputs);
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5);

  const std::vector<v1::Event> events = folding.keeper.Of(v1::Event::kModelFolded);
  ASSERT_EQ(events.size(), 1U);
  const v1::ModelFolded& told = events[0].model_folded();
  EXPECT_THAT(told.folded(), ElementsAre("batch_normalization"));
  EXPECT_EQ(told.params_before(), 12 * 16 + 16 + 4 * 16 + 16 * 4 + 4);
  EXPECT_EQ(told.params_after(), 12 * 16 + 16 + 16 * 4 + 4);
  EXPECT_EQ(told.rows(), 61);
  EXPECT_LT(told.largest_difference(), 1e-5);
  EXPECT_EQ(result->metrics.at("largest_difference"), told.largest_difference());
}

TEST_F(FoldRunTest, OutputsThatDifferMoreFailItWithTheLargestDifference) {
  folding.spec.mutable_fold()->set_max_difference(0);
  const absl::Status status = Run().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), HasSubstr("from those of net@3 (row "));
  EXPECT_FALSE(WroteWeights());
  // People see by how much, and in which layers.
  EXPECT_EQ(folding.keeper.Of(v1::Event::kModelFolded).size(), 1U);
}

TEST_F(FoldRunTest, OutputsThatAreNoNumbersFailIt) {
  weights.back().values[1] = std::nanf("");
  Store();
  const absl::Status status = Run().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nan"));
}

TEST_F(FoldRunTest, WithoutAnythingToFoldItSaysWhy) {
  v1::ModelSpec model;
  model.add_input_shape(12);
  v1::Dense& dense = *model.add_layers()->mutable_dense();
  dense.set_units(4);
  dense.mutable_activation()->mutable_relu();
  model.add_layers()->mutable_batch_normalization();
  Fold(model);
  const absl::Status status = Run().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("net@3 has nothing to fold: batch_normalization: no product before it"));
  EXPECT_FALSE(WroteWeights());
}

TEST_F(FoldRunTest, EndsAsAsked) {
  for (const bool stop : {true, false}) {
    Control control;
    if (stop) {
      control.RequestStop();
    } else {
      control.RequestCancel();
    }
    const auto result = Run(control);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->outcome,
              stop ? TrainResult::Outcome::kStopped : TrainResult::Outcome::kCancelled);
    EXPECT_FALSE(WroteWeights());
    EXPECT_TRUE(folding.keeper.events.empty());
  }
}

TEST_F(FoldRunTest, RowsThatDoNotFitAreRefused) {
  folding.spec.mutable_data()->mutable_test()->set_split("tset");
  EXPECT_THAT(std::string(Run().status().message()), HasSubstr("data.test.split"));
}

TEST_F(FoldRunTest, WeightsThatAreNotTheModelsAreDamaged) {
  weights.pop_back();
  Store();
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kDataLoss);
  *folding.keeper.blobs[blob.sha256()] = "nothing of the kind";
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kDataLoss);
}

// Both networks on two cores, in shards.
TEST_F(FoldRunTest, SharesTheRowsAmongCores) {
  const std::string alone = Run().value().weights_sha256;
  folding.spec.mutable_resources()->set_cores(2);
  EXPECT_EQ(Run().value().weights_sha256, alone);
}

}  // namespace
}  // namespace gradus::trainer
