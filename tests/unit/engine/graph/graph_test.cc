// SPDX-License-Identifier: Apache-2.0
// What a graph infers, and what it refuses.
#include "engine/graph/graph.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

namespace gradus::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::ModelSpec Parse(const std::string& text) {
  v1::ModelSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec)) << text;
  return spec;
}

std::string ErrorOf(const std::string& text, const Limits& limits = {}) {
  const absl::StatusOr<Graph> graph = Graph::Create(Parse(text), limits);
  EXPECT_EQ(graph.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(graph.status().message());
}

constexpr char kSeed[] = R"(input_shape: 28 input_shape: 28
  layers { flatten {} } layers { dense { units: 100 activation { relu {} } } } layers { dense { units: 100 } }
  layers { dense { units: 100 } } layers { dense { units: 8 activation { softmax {} } } })";

TEST(GraphTest, InfersNamesShapesAndCounts) {
  const absl::StatusOr<Graph> graph = Graph::Create(Parse(kSeed));
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_THAT(graph->layer_names(),
              ElementsAre("flatten", "dense", "dense_1", "dense_2", "dense_3"));
  const v1::ModelSummary summary = graph->Summary();
  EXPECT_EQ(summary.total_params(), 784 * 100 + 100 + 2 * 10'100 + 808);
  EXPECT_EQ(summary.trainable_params(), summary.total_params());
  EXPECT_EQ(summary.layers(0).params(), 0);
  EXPECT_EQ(summary.layers(1).type(), "dense");
  EXPECT_THAT(summary.layers(4).output_shape(), ElementsAre(8));
  EXPECT_EQ(graph->parameters()[0].name, "dense/kernel");
  EXPECT_EQ(graph->parameters()[1].name, "dense/bias");
  EXPECT_THAT(graph->parameters()[0].shape, ElementsAre(784, 100));
}

TEST(GraphTest, FillsInDefaultsSoThatTheEffectiveSpecGivesTheSameGraph) {
  const absl::StatusOr<Graph> graph = Graph::Create(Parse(kSeed));
  ASSERT_TRUE(graph.ok());
  const v1::Layer& dense = graph->spec().layers(2);
  EXPECT_EQ(dense.name(), "dense_1");
  EXPECT_THAT(dense.inputs(), ElementsAre("dense"));
  EXPECT_TRUE(dense.dense().use_bias());
  EXPECT_TRUE(dense.dense().activation().has_linear());
  EXPECT_TRUE(dense.dense().kernel_initializer().has_glorot_uniform());
  EXPECT_TRUE(dense.dense().bias_initializer().has_zeros());
  const absl::StatusOr<Graph> again = Graph::Create(graph->spec());
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(again->spec(), graph->spec()));
}

TEST(GraphTest, GeneratedNamesKeepOutOfTheWayOfGivenOnes) {
  const absl::StatusOr<Graph> graph =
      Graph::Create(Parse("input_shape: 4 layers { dense { units: 3 } } layers { name: 'dense' "
                          "dense { units: 3 } } layers { dense { units: 3 } }"));
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_THAT(graph->layer_names(), ElementsAre("dense_1", "dense", "dense_2"));
}

TEST(GraphTest, FrozenLayersAreCountedAsSuch) {
  const absl::StatusOr<Graph> graph =
      Graph::Create(Parse("input_shape: 4 layers { trainable: false dense { units: 3 } } layers { "
                          "dense { units: 2 } }"));
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(graph->Summary().non_trainable_params(), 15);
  EXPECT_EQ(graph->Summary().trainable_params(), 8);
}

TEST(GraphTest, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(ErrorOf("input_shape: 4 layers { dense { units: 3 } } layers { dense {} }"),
            "layers[1].dense.units: 0 is not a positive number");
  EXPECT_EQ(ErrorOf("input_shape: 4 layers { dense { units: 2147483648 } }"),
            "layers[0].dense.units: 2147483648 is not at most 16777216");
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { dense { units: -1 } }"),
              StartsWith("layers[0].dense.units: -1 "));
  EXPECT_THAT(ErrorOf("input_shape: 28 input_shape: 28 layers { random_flip {} }"),
              StartsWith("layers[0].random_flip: an input of shape (28, 28) is not an image"));
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { }"), StartsWith("layers[0]: no kind of layer"));
  EXPECT_THAT(ErrorOf("input_shape: 4"), StartsWith("layers: 0 is not"));
  EXPECT_THAT(ErrorOf("layers { flatten {} }"), StartsWith("input_shape: 0 entries"));
  EXPECT_THAT(ErrorOf("input_shape: 0 layers { flatten {} }"), StartsWith("input_shape[0]: 0 "));
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { name: '../x' flatten {} }"),
              StartsWith("layers[0].name: "));
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { name: 'input' flatten {} }"),
              StartsWith("layers[0].name: input "));
  EXPECT_THAT(
      ErrorOf("input_shape: 4 layers { name: 'a' flatten {} } layers { name: 'a' flatten {} }"),
      StartsWith("layers[1].name: a "));
}

TEST(GraphTest, NamesTheRestraintThatCannotBe) {
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { learning_rate_factor: -1 dense { units: 3 } }"),
              StartsWith("layers[0].learning_rate_factor: -1 is not a number from 0 to 1000"));
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { activity_regularizer { l1 { l1: -1 } } "
                      "dense { units: 3 } }"),
              StartsWith("layers[0].activity_regularizer.l1.l1: -1 "));
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { dense { units: 3 "
                      "kernel_regularizer { l2 { l2: -1 } } } }"),
              StartsWith("layers[0].dense.kernel_regularizer.l2.l2: -1 "));
  EXPECT_THAT(ErrorOf("input_shape: [4, 4, 1] layers { separable_conv2d { filters: 3 "
                      "kernel_size: 2 depthwise_constraint { max_norm { max_value: 0 } } } }"),
              StartsWith("layers[0].separable_conv2d.depthwise_constraint.max_norm.max_value: 0 "));
}

TEST(GraphTest, GivesWeightsTheirRestraints) {
  v1::ModelSpec spec;
  for (const int64_t extent : {6, 6, 2}) spec.add_input_shape(extent);
  v1::SeparableConv2d& conv = *spec.add_layers()->mutable_separable_conv2d();
  conv.set_filters(3);
  conv.add_kernel_size(2);
  conv.mutable_depthwise_regularizer()->mutable_l1();
  conv.mutable_pointwise_regularizer()->mutable_l2();
  conv.mutable_bias_regularizer()->mutable_l1_l2();
  conv.mutable_pointwise_constraint()->mutable_unit_norm();
  conv.mutable_bias_constraint()->mutable_non_neg();
  const Graph graph = Graph::Create(spec).value();
  const std::span<const Parameter> parameters = graph.parameters();
  ASSERT_EQ(parameters.size(), 3U);
  EXPECT_TRUE(parameters[0].regularizer.has_l1());
  EXPECT_TRUE(parameters[1].regularizer.has_l2());
  EXPECT_TRUE(parameters[2].regularizer.has_l1_l2());
  EXPECT_EQ(parameters[0].constraint.kind_case(), v1::Constraint::KIND_NOT_SET);
  EXPECT_TRUE(parameters[1].constraint.has_unit_norm());
  EXPECT_TRUE(parameters[2].constraint.has_non_neg());
}

TEST(GraphTest, RefusesUnknownAndLaterInputsAndSuggestsTheNearest) {
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { name: 'first' flatten {} } layers { inputs: 'frist' "
                      "flatten {} }"),
              StartsWith("layers[1].inputs[0]: frist is not"));
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { name: 'first' flatten {} } layers { inputs: 'frist' "
                      "flatten {} }"),
              HasSubstr("\"first\""));
  EXPECT_THAT(
      ErrorOf("input_shape: 4 layers { inputs: 'b' flatten {} } layers { name: 'b' flatten {} }"),
      StartsWith("layers[0].inputs[0]: b "));
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { inputs: 'input' inputs: 'input' flatten {} }"),
              StartsWith("layers[0].inputs: 2 "));
}

TEST(GraphTest, RefusesLayersThatLeadNowhere) {
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { name: 'lost' dense { units: 3 } } layers { inputs: "
                      "'input' dense { units: 3 } }"),
              StartsWith("layers[0]: lost leads to no other layer"));
}

v1::ModelSpec Siamese() {
  v1::ModelSpec spec;
  spec.add_input_shape(4);
  spec.add_layers()->mutable_dense()->set_units(4);
  v1::Layer& again = *spec.add_layers();
  again.set_shares("dense");
  again.add_inputs("dense");
  return spec;
}

TEST(GraphTest, ALayerMayUseTheWeightsOfAnother) {
  const Graph graph = *Graph::Create(Siamese());
  EXPECT_EQ(graph.total_params(), 4 * 4 + 4);
  EXPECT_EQ(graph.parameters().size(), 2U);
  EXPECT_EQ(graph.nodes()[1].name, "dense_1");
  EXPECT_EQ(graph.nodes()[1].owner, 0);
  EXPECT_EQ(graph.nodes()[1].first_parameter, 0);
  EXPECT_EQ(graph.Summary().layers(1).params(), 0);
  const Graph again = *Graph::Create(graph.spec());
  EXPECT_EQ(again.spec().DebugString(), graph.spec().DebugString());
}

TEST(GraphTest, RefusesWeightsThatCannotBeShared) {
  v1::ModelSpec spec = Siamese();
  spec.mutable_layers(1)->set_shares("dens");
  EXPECT_THAT(Graph::Create(spec).status().message(),
              HasSubstr("layers[1].shares: dens is not the name of an earlier layer"));
  spec = Siamese();
  spec.mutable_layers(1)->mutable_dense()->set_units(4);
  EXPECT_THAT(Graph::Create(spec).status().message(), HasSubstr("it takes none of its own"));
  spec = Siamese();
  spec.mutable_layers(1)->set_learning_rate_factor(2);
  EXPECT_THAT(Graph::Create(spec).status().message(), HasSubstr("it takes none of its own"));
  spec = Siamese();
  spec.mutable_layers(0)->mutable_dense()->set_units(3);
  EXPECT_THAT(Graph::Create(spec).status().message(),
              HasSubstr("kernel would have the shape (3, 3), but dense/kernel, which it shares, "
                        "has (4, 3)"));
}

TEST(GraphTest, LayersAdaptToTheModelsInputAlone) {
  v1::ModelSpec spec;
  spec.mutable_input_shape()->Add(2);
  spec.add_input_shape(3);
  spec.add_layers()->mutable_flatten();
  spec.add_layers()->mutable_normalization();
  spec.add_layers()->mutable_dense()->set_units(2);
  ASSERT_TRUE(Graph::Create(spec).ok()) << Graph::Create(spec).status();
  const Graph graph = Graph::Create(spec).value();
  EXPECT_EQ(graph.trainable_params(graph.trainable()), 6 * 2 + 2);
  spec.add_layers()->mutable_normalization();
  EXPECT_EQ(Graph::Create(spec).status().message(),
            "layers[3].normalization: it adapts to the model's input, but reads dense; before it "
            "may be flatten and reshape alone");
  // What another layer has adapted may be used anywhere.
  v1::ModelSpec sharing = spec;
  sharing.mutable_layers(2)->mutable_dense()->set_units(6);
  sharing.mutable_layers(3)->Clear();
  sharing.mutable_layers(3)->set_shares("normalization");
  EXPECT_TRUE(Graph::Create(sharing).ok()) << Graph::Create(sharing).status();
  spec.mutable_layers(3)->mutable_normalization()->set_mean(0);
  spec.mutable_layers(3)->mutable_normalization()->set_variance(2);
  EXPECT_TRUE(Graph::Create(spec).ok());
}

TEST(GraphTest, SizesDoNotOverflow) {
  EXPECT_THAT(ErrorOf("input_shape: 16777216 input_shape: 16777216 input_shape: 16777216 layers { "
                      "flatten {} }"),
              HasSubstr("has more than"));
  EXPECT_THAT(ErrorOf("input_shape: 16777216 layers { dense { units: 16777216 } }"),
              HasSubstr("more than 68719476736 weights"));
  EXPECT_THAT(ErrorOf("input_shape: 16777217 layers { flatten {} }"),
              StartsWith("input_shape[0]: 16777217 "));
}

TEST(GraphTest, RefusesMoreLayersThanAllowed) {
  v1::ModelSpec spec = Parse("input_shape: 4");
  for (int i = 0; i < 10'001; ++i) spec.add_layers()->mutable_flatten();
  EXPECT_THAT(std::string(Graph::Create(spec).status().message()),
              StartsWith("layers: 10001 is not"));
  spec.mutable_layers()->RemoveLast();
  EXPECT_TRUE(Graph::Create(spec).ok());
}

TEST(GraphTest, ChecksThatAWeightOfItsShapeCanStartSo) {
  EXPECT_EQ(
      ErrorOf("input_shape: 4 layers { dense { units: 3 bias_initializer { identity {} } } }"),
      "layers[0].dense.bias_initializer.identity: a weight of shape (3) has not two axes");
  EXPECT_EQ(
      ErrorOf("input_shape: 4 layers { dense { units: 3 bias_initializer { orthogonal {} } } }"),
      "layers[0].dense.bias_initializer.orthogonal: a weight of shape (3) has not two axes or "
      "more");
  EXPECT_TRUE(Graph::Create(Parse("input_shape: 4 layers { dense { units: 3 "
                                  "kernel_initializer { orthogonal {} } } }"))
                  .ok());
}

TEST(GraphTest, GivesALayerTheWeightsOfItsActivation) {
  const absl::StatusOr<Graph> graph = Graph::Create(
      Parse("input_shape: 4 input_shape: 2 layers { dense { units: 3 activation { prelu { "
            "shared_axes: 1 } } } } layers { activation { swish { trainable: true } } }"));
  ASSERT_TRUE(graph.ok()) << graph.status();
  std::vector<std::string> names;
  for (const Parameter& parameter : graph->parameters()) names.push_back(parameter.name);
  EXPECT_THAT(names, ElementsAre("dense/kernel", "dense/bias", "dense/alpha", "activation/beta"));
  EXPECT_THAT(graph->parameters()[2].shape, ElementsAre(1, 3));
  EXPECT_EQ(graph->Summary().total_params(), 2 * 3 + 3 + 3 + 1);
}

TEST(GraphTest, SaysWhereAnActivationsWeightCannotBe) {
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { dense { units: 3 activation { prelu { "
                      "shared_axes: 2 } } } }"),
              StartsWith("layers[0].dense.activation.prelu.shared_axes[0]: 2 is not an axis"));
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { activation { prelu { shared_axes: 2 } } }"),
              StartsWith("layers[0].activation.prelu.shared_axes[0]: 2 is not an axis"));
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { dense { units: 3 activation { prelu { "
                      "alpha_initializer { variance_scaling { scale: -2 } } } } } }"),
              StartsWith("layers[0].dense.activation.prelu.alpha_initializer.variance_scaling"));
  EXPECT_EQ(ErrorOf("input_shape: 4 layers { activation { prelu { alpha_initializer { identity {} "
                    "} } } }"),
            "layers[0].activation.prelu.alpha_initializer.identity: a weight of shape (4) has not "
            "two axes");
}

TEST(GraphTest, ChecksInitializers) {
  EXPECT_EQ(ErrorOf("input_shape: 4 layers { dense { units: 3 kernel_initializer { "
                    "variance_scaling { scale: -2 } } } }"),
            "layers[0].dense.kernel_initializer.variance_scaling.scale: -2 is not a finite number "
            "greater than 0");
  EXPECT_THAT(ErrorOf("input_shape: 4 layers { dense { units: 3 bias_initializer { "
                      "variance_scaling { scale: nan } } } }"),
              StartsWith("layers[0].dense.bias_initializer.variance_scaling.scale: nan"));
}

v1::ModelSpec WideAndDeep() {
  v1::ModelSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    inputs { name: "wide" shape: 2 } inputs { name: "deep" shape: 3 shape: 2 }
    layers { name: "flat" inputs: "deep" flatten {} }
    layers { name: "aux" dense { units: 1 } }
    layers { name: "both" inputs: "wide" inputs: "aux" concatenate {} }
    layers { name: "main" dense { units: 4 } }
    outputs: "main" outputs: "aux")",
                                                            &spec));
  return spec;
}

TEST(GraphTest, HasSeveralInputsAndOutputs) {
  const absl::StatusOr<Graph> graph = Graph::Create(WideAndDeep());
  ASSERT_TRUE(graph.ok()) << graph.status();
  ASSERT_EQ(graph->inputs().size(), 2);
  EXPECT_EQ(graph->inputs()[1].name, "deep");
  EXPECT_EQ(graph->inputs()[1].values, 6);
  EXPECT_EQ(graph->input_values(), 8);
  EXPECT_THAT(graph->outputs(), ElementsAre(3, 1));
  EXPECT_EQ(graph->output_values(0), 4);
  EXPECT_EQ(graph->output_values(1), 1);
  EXPECT_THAT(graph->nodes()[2].inputs, ElementsAre(IndexOfInput(0), 1));
  EXPECT_EQ(graph->total_params(), 7 + 16);
  const absl::StatusOr<Graph> again = Graph::Create(graph->spec());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->spec().DebugString(), graph->spec().DebugString());
  EXPECT_THAT(graph->Summary().layers(2).inputs(), ElementsAre("wide", "aux"));
  EXPECT_THAT(graph->Summary().layers(0).inputs(), ElementsAre("deep"));
}

TEST(GraphTest, SaysWhatIsWrongWithInputsAndOutputs) {
  const auto error = [](const std::function<void(v1::ModelSpec&)>& change) {
    v1::ModelSpec spec = WideAndDeep();
    change(spec);
    return std::string(Graph::Create(spec).status().message());
  };
  EXPECT_EQ(error([](auto& spec) { spec.add_input_shape(2); }),
            "input_shape: a model has either an input_shape or inputs");
  EXPECT_THAT(error([](auto& spec) { spec.mutable_inputs(1)->clear_name(); }),
              HasSubstr("inputs[1].name: "));
  EXPECT_THAT(error([](auto& spec) { spec.mutable_inputs(1)->set_name("wide"); }),
              HasSubstr("inputs[1].name: wide is the name of another input already"));
  EXPECT_THAT(error([](auto& spec) { spec.mutable_inputs(1)->set_shape(0, 0); }),
              HasSubstr("inputs[1].shape[0]: 0 is not a number from 1"));
  EXPECT_THAT(error([](auto& spec) { spec.mutable_layers(0)->set_name("deep"); }),
              HasSubstr("layers[0].name: deep is not a name for a layer"));
  EXPECT_THAT(error([](auto& spec) { spec.mutable_layers(0)->clear_inputs(); }),
              HasSubstr("layers[0].inputs: the first layer must say which of the model's inputs it "
                        "takes: \"wide\", \"deep\""));
  EXPECT_THAT(
      error([](auto& spec) { spec.mutable_layers(2)->set_inputs(0, "wid"); }),
      HasSubstr("layers[2].inputs[0]: wid is not the name of an earlier layer, nor \"wide\", "
                "\"deep\"; did you mean \"wide\"?"));
  EXPECT_EQ(error([](auto& spec) { spec.mutable_layers(2)->set_inputs(0, "flat"); }),
            "inputs[0]: no layer takes wide");
  EXPECT_THAT(error([](auto& spec) { spec.set_outputs(1, "ax"); }),
              HasSubstr("outputs[1]: ax is not the name of a layer"));
  EXPECT_EQ(error([](auto& spec) { spec.set_outputs(1, "main"); }),
            "outputs[1]: main is there twice");
  EXPECT_EQ(error([](auto& spec) {
              spec.clear_outputs();
              spec.add_outputs("aux");
            }),
            "layers[3]: main leads to no other layer, and is not an output");
}

}  // namespace
}  // namespace gradus::graph
