// SPDX-License-Identifier: Apache-2.0
// A loaded model gives what its network gives, with the same bits in every company.
#include "server/worker/served_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "engine/base/file_ops.h"
#include "engine/base/philox.h"
#include "engine/graph/graph.h"
#include "engine/plan/predictor.h"
#include "engine/trainer/weights_file.h"
#include "tests/support/temp_dir.h"

namespace gradus::worker {
namespace {

class ServedModelTest : public ::testing::Test {
 protected:
  // Stores a network of this definition with weights unlike any initializer's.
  void Store(const v1::ModelSpec& spec) {
    graph = std::make_unique<graph::Graph>(graph::Graph::Create(spec).value());
    base::PhiloxStream random({.seed = 3});
    weights.clear();
    for (const graph::Parameter& parameter : graph->parameters()) {
      plan::NamedTensor& tensor = weights.emplace_back();
      tensor.name = parameter.name;
      tensor.shape = parameter.shape;
      for (int64_t i = 0; i < parameter.count; ++i) {
        const float value = static_cast<float>(random.NextBelow(1000)) / 500 - 1;
        tensor.values.push_back(parameter.statistic ? std::abs(value) + 0.1F : value / 8);
      }
    }
    const trainer::StoredWeights stored =
        trainer::WriteWeights(base::RealFiles(), dir.path(), "weights", weights).value();
    paths[stored.index.sha256] = stored.index.path;
    for (const auto& piece : stored.pieces) paths[piece.sha256] = piece.path;
    *setup.mutable_model() = graph->spec();
    setup.mutable_weights()->set_sha256(stored.index.sha256);
    setup.mutable_weights()->set_size(stored.index.size);
  }
  absl::StatusOr<std::unique_ptr<ServedModel>> Load() {
    return ServedModel::Load(
        setup,
        [this](const v1::BlobRef& ref) -> absl::StatusOr<std::shared_ptr<const base::MappedFile>> {
          const auto found = paths.find(ref.sha256());
          if (found == paths.end()) return absl::NotFoundError("no such blob");
          auto mapped = base::RealFiles().Map(found->second);
          if (!mapped.ok()) return mapped.status();
          return std::make_shared<const base::MappedFile>(*std::move(mapped));
        });
  }
  std::vector<float> Inputs(int64_t rows) const {
    std::vector<float> inputs;
    for (int64_t i = 0; i < rows * graph->input_values(); ++i)
      inputs.push_back(std::sin(static_cast<float>(i)));
    return inputs;
  }
  std::vector<float> Outputs(const BatchModel& model, const std::vector<float>& inputs,
                             int64_t rows) const {
    std::vector<float> outputs(static_cast<size_t>(rows * graph->output_values()));
    EXPECT_TRUE(model.predict(inputs.data(), rows, outputs.data()).ok());
    return outputs;
  }

  test_support::TempDir dir;
  std::unique_ptr<graph::Graph> graph;
  std::vector<plan::NamedTensor> weights;
  std::map<std::string, std::string> paths;
  v1::ServeSetup setup;
};

v1::ModelSpec DenseModel() {
  v1::ModelSpec model;
  model.add_input_shape(70);
  model.add_layers()->mutable_dense()->set_units(100);
  model.add_layers()->mutable_batch_normalization();
  model.add_layers()->mutable_activation()->mutable_relu();
  v1::Dense& output = *model.add_layers()->mutable_dense();
  output.set_units(10);
  output.mutable_activation()->mutable_softmax();
  return model;
}

v1::ModelSpec ConvolutionalModel() {
  v1::ModelSpec model;
  for (const int64_t size : {12, 12, 3}) model.add_input_shape(size);
  for (int i = 0; i < 2; ++i) {
    v1::Conv2d& convolution = *model.add_layers()->mutable_conv2d();
    convolution.set_filters(20);
    convolution.add_kernel_size(3);
    model.add_layers()->mutable_batch_normalization();
    model.add_layers()->mutable_activation()->mutable_relu();
  }
  model.add_layers()->mutable_global_average_pooling2d();
  model.add_layers()->mutable_dense()->set_units(7);
  return model;
}

v1::ModelSpec RecurrentModel() {
  v1::ModelSpec model;
  for (const int64_t size : {9, 5}) model.add_input_shape(size);
  model.add_layers()->mutable_lstm()->set_units(33);
  model.add_layers()->mutable_dense()->set_units(300);
  model.add_layers()->mutable_layer_normalization();
  model.add_layers()->mutable_dense()->set_units(3);
  return model;
}

TEST_F(ServedModelTest, GivesWhatTheNetworkGives) {
  for (const v1::ModelSpec& spec : {DenseModel(), ConvolutionalModel(), RecurrentModel()}) {
    Store(spec);
    const auto served = Load();
    ASSERT_TRUE(served.ok()) << served.status();
    const auto whole = plan::Predictor::Create(*graph, weights, {}).value();
    const std::vector<float> inputs = Inputs(8);
    std::vector<float> expected(static_cast<size_t>(8 * graph->output_values()));
    ASSERT_TRUE(whole->Predict(inputs.data(), 8, expected.data()).ok());
    const std::vector<float> found = Outputs((*served)->batches(), inputs, 8);
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5);
  }
}

TEST_F(ServedModelTest, ARowHasTheSameBitsInBatchesOfEverySize) {
  for (const v1::ModelSpec& spec : {DenseModel(), ConvolutionalModel(), RecurrentModel()}) {
    Store(spec);
    const auto served = Load();
    ASSERT_TRUE(served.ok()) << served.status();
    const BatchModel model = (*served)->batches();
    const std::vector<float> inputs = Inputs(model.max_rows);
    const auto width = static_cast<size_t>(graph->output_values());
    const auto whole = Outputs(model, inputs, model.max_rows);
    for (int64_t rows = 1; rows < model.max_rows; rows *= 2) {
      const auto part = Outputs(model, inputs, rows);
      for (size_t i = 0; i < static_cast<size_t>(rows) * width; ++i)
        ASSERT_EQ(part[i], whole[i]) << rows << " rows, row " << i / width;
    }
  }
}

TEST_F(ServedModelTest, WeightsOfAnotherNetworkAreRefused) {
  Store(ConvolutionalModel());
  *setup.mutable_model() = DenseModel();
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ServedModelTest, ADefinitionThatIsNoneIsRefused) {
  Store(DenseModel());
  setup.mutable_model()->mutable_layers(0)->mutable_dense()->set_units(-1);
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gradus::worker
