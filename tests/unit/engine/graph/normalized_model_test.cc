// SPDX-License-Identifier: Apache-2.0
// The counts that Keras prints for a batch-normalized network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/graph/graph.h"

namespace gradus::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NormalizedModel, CountsWhatTrainsAndWhatIsGathered) {
  v1::ModelSpec spec;
  spec.add_input_shape(28);
  spec.add_input_shape(28);
  spec.add_layers()->mutable_flatten();
  for (const int64_t units : {300, 100, 10}) {
    spec.add_layers()->mutable_batch_normalization();
    spec.add_layers()->mutable_dense()->set_units(units);
  }
  const v1::ModelSummary summary = Graph::Create(spec)->Summary();
  std::vector<int64_t> params;
  for (const v1::LayerSummary& layer : summary.layers()) params.push_back(layer.params());
  EXPECT_THAT(params, ElementsAre(0, 3136, 235500, 1200, 30100, 400, 1010));
  EXPECT_EQ(summary.total_params(), 271'346);
  EXPECT_EQ(summary.trainable_params(), 268'978);
  EXPECT_EQ(summary.non_trainable_params(), 2'368);
}

TEST(NormalizedModel, RefusesSettingsThatCannotBe) {
  v1::ModelSpec spec;
  spec.add_input_shape(4);
  v1::BatchNormalization& layer = *spec.add_layers()->mutable_batch_normalization();
  layer.set_momentum(1.5);
  EXPECT_THAT(Graph::Create(spec).status().message(),
              HasSubstr("layers[0].batch_normalization.momentum: 1.5 is not a number from 0 to 1"));
  layer.set_momentum(0.9);
  layer.set_epsilon(1e-60);
  EXPECT_THAT(Graph::Create(spec).status().message(),
              HasSubstr("epsilon: 1e-60 is not a finite number above 0"));
}

}  // namespace
}  // namespace gradus::graph
