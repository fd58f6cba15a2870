// SPDX-License-Identifier: Apache-2.0
// Pools, edges and up-sampling: shapes, values worked out by hand, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Pooling, TakesWindowsOfTwoUnlessTold) {
  v1::Layer layer;
  layer.mutable_max_pooling2d();
  EXPECT_THAT(InferredShape(layer, {{5, 4, 3}}), ElementsAre(2, 2, 3));
  layer.mutable_max_pooling2d()->set_padding(v1::SAME);
  EXPECT_THAT(InferredShape(layer, {{5, 4, 3}}), ElementsAre(3, 2, 3));
  layer.mutable_average_pooling1d()->set_pool_size(3);
  EXPECT_THAT(InferredShape(layer, {{7, 2}}), ElementsAre(2, 2));
}

TEST(Pooling, GivesTheLargestOrTheMean) {
  v1::Layer layer;
  layer.mutable_max_pooling1d();
  const std::vector<float> x = {1, 4, 3, 2};
  EXPECT_THAT(LayerRun(layer, {{4, 1}}).In({}).Forward({x}), ElementsAre(4, 3));
  layer.mutable_average_pooling1d();
  EXPECT_THAT(LayerRun(layer, {{4, 1}}).In({}).Forward({x}), ElementsAre(2.5F, 2.5F));
}

TEST(Pooling, DoesNotCountWhatLiesOutside) {
  v1::Layer layer;
  layer.mutable_average_pooling1d()->set_pool_size(3);
  layer.mutable_average_pooling1d()->set_strides(1);
  layer.mutable_average_pooling1d()->set_padding(v1::SAME);
  EXPECT_THAT(LayerRun(layer, {{3, 1}}).In({}).Forward({{2, 4, 6}}), ElementsAre(3, 4, 5));
}

TEST(Pooling, GlobalOnesLeaveChannels) {
  v1::Layer layer;
  layer.mutable_global_average_pooling2d();
  EXPECT_THAT(InferredShape(layer, {{5, 4, 3}}), ElementsAre(3));
  layer.mutable_global_average_pooling2d()->set_keepdims(true);
  EXPECT_THAT(InferredShape(layer, {{5, 4, 3}}), ElementsAre(1, 1, 3));
  EXPECT_THAT(InferMessage(layer, {{5, 4}}), HasSubstr("is not an image"));
}

TEST(Edges, AreAddedAndLeftOut) {
  v1::Layer layer;
  layer.mutable_zero_padding2d();
  EXPECT_THAT(LayerRun(layer, {{1, 2, 1}}).In({}).Forward({{5, 6}}),
              ElementsAre(0, 0, 0, 0, 0, 5, 6, 0, 0, 0, 0, 0));
  layer.mutable_cropping2d()->add_cropping(0);
  layer.mutable_cropping2d()->add_cropping(1);
  EXPECT_THAT(LayerRun(layer, {{1, 4, 1}}).In({}).Forward({{1, 2, 3, 4}}), ElementsAre(2, 3));
  EXPECT_THAT(InferMessage(layer, {{1, 2, 1}}), HasSubstr("all of 1x2 is not less than the image"));
  layer.mutable_cropping2d()->add_cropping(1);
  EXPECT_THAT(CheckMessage(layer), HasSubstr("3 numbers is not one number, two or four"));
  layer.mutable_zero_padding2d()->add_padding(-1);
  EXPECT_THAT(CheckMessage(layer), HasSubstr("padding[0]: -1 is not a number from 0"));
}

TEST(UpSampling2d, RepeatsOrGoesBetween) {
  v1::Layer layer;
  layer.mutable_up_sampling2d()->add_size(1);
  layer.mutable_up_sampling2d()->add_size(2);
  EXPECT_THAT(LayerRun(layer, {{1, 2, 1}}).In({}).Forward({{1, 5}}), ElementsAre(1, 1, 5, 5));
  layer.mutable_up_sampling2d()->set_interpolation(v1::UpSampling2d::BILINEAR);
  EXPECT_THAT(LayerRun(layer, {{1, 2, 1}}).In({}).Forward({{1, 5}}), ElementsAre(1, 2, 4, 5));
}

}  // namespace
}  // namespace gradus::layers
