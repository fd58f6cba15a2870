// SPDX-License-Identifier: Apache-2.0
// A folded network has fewer layers and says the same, by the double-precision references.
#include "engine/graph/fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/philox.h"
#include "engine/layers/kind.h"

namespace gradus::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FoldTest : public testing::Test {
 protected:
  explicit FoldTest(std::vector<int64_t> input = {5, 6, 4}) {
    spec.mutable_input_shape()->Assign(input.begin(), input.end());
  }

  v1::Layer& Add() { return *spec.add_layers(); }
  void AddNormalization() { Add().mutable_batch_normalization(); }
  v1::Conv2d& AddConv(v1::Padding padding, int64_t filters = 6) {
    v1::Conv2d& conv = *Add().mutable_conv2d();
    conv.set_filters(filters);
    conv.add_kernel_size(3);
    conv.set_padding(padding);
    return conv;
  }
  void AddHead() {
    Add().mutable_flatten();
    Add().mutable_dense()->set_units(3);
  }

  // Weights unlike any initializer's; variances are positive.
  static std::vector<std::vector<float>> Draw(const Graph& graph) {
    base::PhiloxStream random({.seed = 3});
    std::vector<std::vector<float>> weights;
    for (const Parameter& parameter : graph.parameters()) {
      std::vector<float>& values = weights.emplace_back();
      for (int64_t i = 0; i < parameter.count; ++i) {
        const float value = static_cast<float>(random.NextBelow(1000)) / 500 - 1;
        values.push_back(parameter.statistic ? std::abs(value) + 0.1F : value);
      }
    }
    return weights;
  }

  static std::vector<double> Output(const Graph& graph,
                                    const std::vector<std::vector<float>>& weights,
                                    const std::vector<double>& input) {
    std::vector<std::vector<double>> all;
    for (const std::vector<float>& values : weights) all.emplace_back(values.begin(), values.end());
    std::vector<std::vector<double>> outputs;
    for (size_t i = 0; i < graph.nodes().size(); ++i) {
      const Node& node = graph.nodes()[i];
      std::vector<std::vector<double>> inputs;
      for (const int from : node.inputs)
        inputs.push_back(IsModelInput(from) ? input : outputs[static_cast<size_t>(from)]);
      outputs.push_back(
          node.kind->reference(node.spec, graph.input_shapes_of(static_cast<int>(i)), inputs,
                               std::span(all).subspan(static_cast<size_t>(node.first_parameter),
                                                      static_cast<size_t>(node.parameters))));
    }
    return outputs.back();
  }

  // Folds, and holds the outputs of a few rows against each other.
  Folded FoldAndCompare() {
    const Graph graph = Graph::Create(spec).value();
    const std::vector<std::vector<float>> weights = Draw(graph);
    Folded folded = Fold(graph, weights).value();
    const Graph smaller = Graph::Create(folded.spec).value();
    base::PhiloxStream random({.seed = 4});
    for (int row = 0; row < 3; ++row) {
      std::vector<double> input(static_cast<size_t>(graph.input_values()));
      for (double& value : input) value = random.NextBelow(1000) / 500.0 - 1;
      const std::vector<double> expected = Output(graph, weights, input);
      const std::vector<double> found = Output(smaller, folded.weights, input);
      EXPECT_EQ(found.size(), expected.size());
      double largest = 0;
      for (const double value : expected) largest = std::max(largest, std::abs(value));
      for (size_t i = 0; i < found.size(); ++i)
        EXPECT_NEAR(found[i], expected[i], 1e-6 * largest + 1e-9) << "output " << i;
    }
    return folded;
  }
  void ExpectFolds() {
    const Folded folded = FoldAndCompare();
    EXPECT_THAT(folded.folded, ElementsAre("batch_normalization"));
    EXPECT_THAT(folded.unfolded, IsEmpty());
    EXPECT_EQ(folded.spec.layers_size(), spec.layers_size() - 1);
  }
  void ExpectKeeps() {
    const Folded folded = FoldAndCompare();
    EXPECT_THAT(folded.folded, IsEmpty());
    ASSERT_EQ(folded.unfolded.size(), 1U);
    EXPECT_EQ(folded.unfolded[0].layer, "batch_normalization");
    EXPECT_EQ(folded.spec.layers_size(), spec.layers_size());
  }

  v1::ModelSpec spec;
};

class FoldVectors : public FoldTest {
 protected:
  FoldVectors() : FoldTest({7}) {}
};

TEST_F(FoldVectors, IntoADenseBefore) {
  Add().mutable_dense()->set_units(5);
  spec.mutable_layers(0)->mutable_dense()->set_use_bias(false);
  AddNormalization();
  Add().mutable_activation()->mutable_relu();
  ExpectFolds();
}

TEST_F(FoldVectors, IntoTheLastLayer) {
  Add().mutable_dense()->set_units(5);
  AddNormalization();
  ExpectFolds();
}

TEST_F(FoldVectors, IntoADenseBehindWhereAnActivationIsBefore) {
  Add().mutable_dense()->set_units(5);
  spec.mutable_layers(0)->mutable_dense()->mutable_activation()->mutable_relu();
  AddNormalization();
  Add().mutable_dense()->set_units(4);
  ExpectFolds();
}

TEST_F(FoldVectors, IntoADenseWhoseActivationHasWeights) {
  AddNormalization();
  v1::Dense& dense = *Add().mutable_dense();
  dense.set_units(4);
  dense.set_use_bias(false);
  dense.mutable_activation()->mutable_prelu();
  ExpectFolds();
}

TEST_F(FoldVectors, OfTheInput) {
  AddNormalization();
  Add().mutable_dense()->set_units(4);
  ExpectFolds();
}

TEST_F(FoldVectors, NotWhereTheProductIsReadTwice) {
  Add().mutable_dense()->set_units(5);
  AddNormalization();
  v1::Layer& sum = Add();
  sum.mutable_add();
  sum.add_inputs("dense");
  sum.add_inputs("batch_normalization");
  ExpectKeeps();
}

TEST_F(FoldVectors, NotWhereWeightsAreShared) {
  Add().mutable_dense()->set_units(7);
  v1::Layer& again = Add();
  again.set_shares("dense");
  AddNormalization();
  Add().mutable_activation()->mutable_relu();
  ExpectKeeps();
}

TEST_F(FoldVectors, BesideASkipConnection) {
  Add().mutable_dense()->set_units(7);
  AddNormalization();
  v1::Layer& sum = Add();
  sum.mutable_add();
  sum.add_inputs("batch_normalization");
  sum.add_inputs("input");
  ExpectFolds();
}

TEST_F(FoldTest, IntoAConvolutionBefore) {
  AddConv(v1::SAME).set_groups(2);
  AddNormalization();
  AddHead();
  ExpectFolds();
}

TEST_F(FoldTest, IntoAConvolutionBehindThatHasNoBorders) {
  AddNormalization();
  AddConv(v1::VALID).set_groups(2);
  AddHead();
  ExpectFolds();
}

TEST_F(FoldTest, NotIntoOneBehindWithBordersThatAShiftWouldChange) {
  AddNormalization();
  AddConv(v1::SAME);
  AddHead();
  ExpectKeeps();
}

TEST_F(FoldTest, ThroughAFlattenIntoADense) {
  AddConv(v1::SAME).mutable_activation()->mutable_relu();
  AddNormalization();
  AddHead();
  ExpectFolds();
}

TEST_F(FoldTest, NotThroughAPool) {
  AddConv(v1::SAME).mutable_activation()->mutable_relu();
  AddNormalization();
  Add().mutable_max_pooling2d();
  AddHead();
  ExpectKeeps();
}

TEST_F(FoldTest, IntoADepthwiseOneOnEitherSide) {
  v1::DepthwiseConv2d& conv = *Add().mutable_depthwise_conv2d();
  conv.add_kernel_size(3);
  conv.set_depth_multiplier(2);
  AddNormalization();
  AddHead();
  ExpectFolds();
  *spec.mutable_layers(0) = spec.layers(1);
  v1::DepthwiseConv2d& behind = *spec.mutable_layers(1)->mutable_depthwise_conv2d();
  behind.add_kernel_size(2);
  behind.set_depth_multiplier(3);
  ExpectFolds();
}

TEST_F(FoldTest, IntoASeparableOneBefore) {
  v1::SeparableConv2d& conv = *Add().mutable_separable_conv2d();
  conv.add_kernel_size(3);
  conv.set_filters(5);
  AddNormalization();
  AddHead();
  ExpectFolds();
}

TEST_F(FoldTest, IntoATransposedOneBefore) {
  v1::Conv2dTranspose& conv = *Add().mutable_conv2d_transpose();
  conv.add_kernel_size(3);
  conv.set_filters(5);
  AddNormalization();
  AddHead();
  ExpectFolds();
}

}  // namespace
}  // namespace gradus::graph
