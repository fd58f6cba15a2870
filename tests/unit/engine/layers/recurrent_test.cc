// SPDX-License-Identifier: Apache-2.0
// Recurrent layers: the shapes, weights and defaults that Keras gives, what is refused, and figures
// that can be worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<Shape> kSequence = {{7, 3}};

v1::Layer Lstm(int64_t units) {
  v1::Layer layer;
  layer.mutable_lstm()->set_units(units);
  return layer;
}
v1::Layer Gru(int64_t units, bool reset_after) {
  v1::Layer layer;
  layer.mutable_gru()->set_units(units);
  layer.mutable_gru()->set_reset_after(reset_after);
  return layer;
}
v1::Layer SimpleRnn(int64_t units) {
  v1::Layer layer;
  layer.mutable_simple_rnn()->set_units(units);
  return layer;
}

std::vector<Weight> WeightsOf(v1::Layer layer) {
  EXPECT_TRUE(Find(layer)->check(layer).ok());
  return Find(layer)->weights(layer, kSequence);
}
int64_t ParamsOf(const v1::Layer& layer) {
  int64_t params = 0;
  for (const Weight& weight : WeightsOf(layer)) params += CountOf(weight.shape);
  return params;
}

TEST(Recurrent, GivesTheLastStateOrAll) {
  v1::Layer layer = Lstm(5);
  EXPECT_THAT(InferredShape(layer, kSequence), ElementsAre(5));
  layer.mutable_lstm()->set_return_sequences(true);
  EXPECT_THAT(InferredShape(layer, kSequence), ElementsAre(7, 5));
  EXPECT_THAT(InferMessage(layer, {{7}}),
              HasSubstr("an input of shape (7) is not a sequence (steps, channels)"));
}

TEST(Recurrent, HasAsManyWeightsAsInKeras) {
  EXPECT_EQ(ParamsOf(SimpleRnn(5)), 3 * 5 + 5 * 5 + 5);
  EXPECT_EQ(ParamsOf(Lstm(5)), 4 * (3 * 5 + 5 * 5 + 5));
  EXPECT_EQ(ParamsOf(Gru(5, true)), 3 * (3 * 5 + 5 * 5 + 2 * 5));
  EXPECT_EQ(ParamsOf(Gru(5, false)), 3 * (3 * 5 + 5 * 5 + 5));
  EXPECT_THAT(WeightsOf(Gru(5, true))[2].shape, ElementsAre(2, 15));
}

TEST(Recurrent, FillsInKerassFunctions) {
  v1::Layer layer = Lstm(5);
  ASSERT_TRUE(Find(layer)->check(layer).ok());
  EXPECT_TRUE(layer.lstm().activation().has_tanh());
  EXPECT_TRUE(layer.lstm().recurrent_activation().has_sigmoid());
  EXPECT_TRUE(layer.lstm().unit_forget_bias());
  v1::Layer gru;
  gru.mutable_gru()->set_units(1);
  ASSERT_TRUE(Find(gru)->check(gru).ok());
  EXPECT_TRUE(gru.gru().reset_after());
}

TEST(Recurrent, StartsTheForgetGatesBiasAtOne) {
  const Weight bias = WeightsOf(Lstm(5))[2];
  EXPECT_EQ(bias.ones_from, 5);
  EXPECT_EQ(bias.ones_to, 10);
  v1::Layer layer = Lstm(5);
  layer.mutable_lstm()->set_unit_forget_bias(false);
  EXPECT_EQ(WeightsOf(layer)[2].ones_to, 0);
}

TEST(Recurrent, NamesWhatIsWrong) {
  EXPECT_THAT(CheckMessage(SimpleRnn(0)), HasSubstr("units: 0 is not a number from 1 to 65536"));
  v1::Layer layer = Lstm(5);
  layer.mutable_lstm()->mutable_recurrent_activation()->mutable_gelu();
  EXPECT_THAT(CheckMessage(layer), HasSubstr("recurrent_activation: gelu is not one of linear, "));
  layer.clear_lstm();
  layer.mutable_bidirectional();
  EXPECT_THAT(CheckMessage(layer), HasSubstr("layer: nothing is not a recurrent layer"));
  layer.mutable_bidirectional()->mutable_layer()->mutable_gru()->set_units(-1);
  EXPECT_THAT(CheckMessage(layer), HasSubstr("layer.gru.units: -1 is not"));
}

TEST(Recurrent, FollowsItsFormulas) {
  v1::Layer layer = SimpleRnn(1);
  layer.mutable_simple_rnn()->mutable_activation()->mutable_linear();
  ASSERT_TRUE(Find(layer)->check(layer).ok());
  const std::vector<Shape> shapes = {{3, 1}};
  const std::vector<std::vector<double>> x = {{1, 10, 100}};
  const std::vector<std::vector<double>> weights = {{2}, {3}, {1}};
  // ((2 + 1) * 3 + 21) * 3 + 201.
  EXPECT_THAT(Find(layer)->reference(layer, shapes, x, weights), ElementsAre(291));
  layer.mutable_simple_rnn()->set_go_backwards(true);
  layer.mutable_simple_rnn()->set_return_sequences(true);
  EXPECT_THAT(Find(layer)->reference(layer, shapes, x, weights),
              ElementsAre(201, 603 + 21, 3 * 624 + 3));
}

TEST(Bidirectional, HasTwoLayersWithWeightsOfTheirOwn) {
  v1::Layer layer;
  v1::Lstm& lstm = *layer.mutable_bidirectional()->mutable_layer()->mutable_lstm();
  lstm.set_units(5);
  lstm.set_return_sequences(true);
  EXPECT_THAT(InferredShape(layer, kSequence), ElementsAre(7, 10));
  EXPECT_EQ(ParamsOf(layer), 2 * ParamsOf(Lstm(5)));
  std::vector<std::string> names;
  for (const Weight& weight : WeightsOf(layer)) names.push_back(weight.name);
  EXPECT_THAT(names, ElementsAre("forward_kernel", "forward_recurrent_kernel", "forward_bias",
                                 "backward_kernel", "backward_recurrent_kernel", "backward_bias"));
  layer.mutable_bidirectional()->set_merge_mode(v1::Bidirectional::AVE);
  EXPECT_THAT(InferredShape(layer, kSequence), ElementsAre(7, 5));
}

TEST(Bidirectional, BringsStepsTogetherInTheFirstOnesOrder) {
  v1::Layer layer;
  v1::SimpleRnn& rnn = *layer.mutable_bidirectional()->mutable_layer()->mutable_simple_rnn();
  rnn.set_units(1);
  rnn.set_return_sequences(true);
  rnn.mutable_activation()->mutable_linear();
  rnn.set_use_bias(false);
  ASSERT_TRUE(Find(layer)->check(layer).ok());
  // Sums of what has come so far, and of what is still to come.
  EXPECT_THAT(Find(layer)->reference(layer, std::vector<Shape>{{3, 1}},
                                     std::vector<std::vector<double>>{{1, 10, 100}},
                                     std::vector<std::vector<double>>{{1}, {1}, {1}, {1}}),
              ElementsAre(1, 111, 11, 110, 111, 100));
}

}  // namespace
}  // namespace gradus::layers
