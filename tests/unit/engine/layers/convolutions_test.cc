// SPDX-License-Identifier: Apache-2.0
// Convolutions: the shapes and counts that Keras gives, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Layer Conv(const std::function<void(v1::Conv2d&)>& change) {
  v1::Layer layer;
  v1::Conv2d& spec = *layer.mutable_conv2d();
  spec.set_filters(8);
  spec.add_kernel_size(3);
  change(spec);
  return layer;
}

int64_t ParamsOf(v1::Layer layer, const Shape& input) {
  EXPECT_TRUE(Find(layer)->check(layer).ok());
  int64_t params = 0;
  for (const Weight& weight : Find(layer)->weights(layer, std::vector<Shape>{input}))
    params += CountOf(weight.shape);
  return params;
}

TEST(Conv2d, HasTheShapesThatKerasGives) {
  const std::vector<Shape> image = {{28, 27, 3}};
  EXPECT_THAT(InferredShape(Conv([](v1::Conv2d&) {}), image), ElementsAre(26, 25, 8));
  EXPECT_THAT(InferredShape(Conv([](v1::Conv2d& spec) { spec.set_padding(v1::SAME); }), image),
              ElementsAre(28, 27, 8));
  EXPECT_THAT(InferredShape(Conv([](v1::Conv2d& spec) {
                              spec.set_padding(v1::SAME);
                              spec.add_strides(2);
                            }),
                            image),
              ElementsAre(14, 14, 8));
  EXPECT_THAT(InferredShape(Conv([](v1::Conv2d& spec) { spec.add_dilation_rate(2); }), image),
              ElementsAre(24, 23, 8));
}

TEST(Conv2d, CountsWeightsAsKerasDoes) {
  EXPECT_EQ(ParamsOf(Conv([](v1::Conv2d&) {}), {28, 28, 3}), 3 * 3 * 3 * 8 + 8);
  EXPECT_EQ(ParamsOf(Conv([](v1::Conv2d& spec) { spec.set_groups(2); }), {28, 28, 4}),
            3 * 3 * 2 * 8 + 8);
}

TEST(Conv2d, CountsFansWithTheReceptiveField) {
  v1::Layer layer = Conv([](v1::Conv2d&) {});
  ASSERT_TRUE(Find(layer)->check(layer).ok());
  const Weight kernel = Find(layer)->weights(layer, std::vector<Shape>{{28, 28, 3}})[0];
  EXPECT_EQ(kernel.fan_in, 27);
  EXPECT_EQ(kernel.fan_out, 72);
}

TEST(Conv2d, NamesWhatIsWrong) {
  EXPECT_THAT(CheckMessage(Conv([](v1::Conv2d& spec) { spec.set_filters(0); })),
              HasSubstr("filters: 0 is not a number from 1"));
  EXPECT_THAT(CheckMessage(Conv([](v1::Conv2d& spec) { spec.clear_kernel_size(); })),
              HasSubstr("kernel_size: 0 numbers is not one number, or two"));
  EXPECT_THAT(CheckMessage(Conv([](v1::Conv2d& spec) { spec.add_strides(0); })),
              HasSubstr("strides[0]: 0 is not a number from 1 to 16384"));
  EXPECT_THAT(CheckMessage(Conv([](v1::Conv2d& spec) { spec.set_padding(v1::CAUSAL); })),
              HasSubstr("padding: CAUSAL is not VALID or SAME"));
  EXPECT_THAT(CheckMessage(Conv([](v1::Conv2d& spec) { spec.set_groups(3); })),
              HasSubstr("groups: 3 is not a divisor of the 8 filters"));
  EXPECT_THAT(InferMessage(Conv([](v1::Conv2d& spec) { spec.set_groups(4); }), {{5, 5, 6}}),
              HasSubstr("groups: 4 is not a divisor of the 6 channels"));
  EXPECT_THAT(InferMessage(Conv([](v1::Conv2d&) {}), {{2, 5, 6}}),
              HasSubstr("a window that reaches over 3 positions does not fit an input of 2"));
  EXPECT_THAT(InferMessage(Conv([](v1::Conv2d&) {}), {{5, 5}}), HasSubstr("is not an image"));
}

TEST(Conv1d, SeesNothingLaterWhereItIsCausal) {
  v1::Layer layer;
  v1::Conv1d& spec = *layer.mutable_conv1d();
  spec.set_filters(4);
  spec.set_kernel_size(3);
  spec.set_dilation_rate(2);
  EXPECT_THAT(InferredShape(layer, {{9, 2}}), ElementsAre(5, 4));
  spec.set_padding(v1::CAUSAL);
  EXPECT_THAT(InferredShape(layer, {{9, 2}}), ElementsAre(9, 4));
  EXPECT_THAT(InferMessage(layer, {{9, 2, 1}}), HasSubstr("is not a sequence (steps, channels)"));
}

TEST(DepthwiseConv2d, HasAKernelAChannel) {
  v1::Layer layer;
  layer.mutable_depthwise_conv2d()->add_kernel_size(3);
  layer.mutable_depthwise_conv2d()->set_depth_multiplier(2);
  EXPECT_THAT(InferredShape(layer, {{5, 5, 3}}), ElementsAre(3, 3, 6));
  EXPECT_EQ(ParamsOf(layer, {5, 5, 3}), 3 * 3 * 3 * 2 + 6);
}

TEST(SeparableConv2d, HasTwoKernels) {
  v1::Layer layer;
  layer.mutable_separable_conv2d()->add_kernel_size(3);
  layer.mutable_separable_conv2d()->set_filters(7);
  EXPECT_THAT(InferredShape(layer, {{5, 5, 3}}), ElementsAre(3, 3, 7));
  EXPECT_EQ(ParamsOf(layer, {5, 5, 3}), 3 * 3 * 3 + 3 * 7 + 7);
}

TEST(Conv2dTranspose, MakesImagesLarger) {
  v1::Layer layer;
  v1::Conv2dTranspose& spec = *layer.mutable_conv2d_transpose();
  spec.add_kernel_size(3);
  spec.set_filters(7);
  spec.add_strides(2);
  EXPECT_THAT(InferredShape(layer, {{5, 6, 3}}), ElementsAre(11, 13, 7));
  spec.set_padding(v1::SAME);
  EXPECT_THAT(InferredShape(layer, {{5, 6, 3}}), ElementsAre(10, 12, 7));
  EXPECT_EQ(ParamsOf(layer, {5, 6, 3}), 3 * 3 * 7 * 3 + 7);
  spec.set_strides(0, 4);
  EXPECT_THAT(CheckMessage(layer),
              HasSubstr("strides[0]: 4 is not at most 3, what the kernel reaches"));
}

}  // namespace
}  // namespace gradus::layers
