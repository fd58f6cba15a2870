// SPDX-License-Identifier: Apache-2.0
// Rescaling: what it fills in and refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;

TEST(Rescaling, ScalesThenShifts) {
  v1::Layer spec;
  EXPECT_EQ((spec.mutable_rescaling(), CheckMessage(spec)), "scale: nothing is not a number");
  spec.mutable_rescaling()->set_scale(2);
  EXPECT_THAT(LayerRun(spec, {{2}}).In({}).Forward({{1, -2}}), ElementsAre(2, -4));
  spec.mutable_rescaling()->set_offset(1);
  EXPECT_THAT(LayerRun(spec, {{2}}).In({}).Forward({{1, -2}}), ElementsAre(3, -3));
  spec.mutable_rescaling()->set_offset(-1e39);
  EXPECT_EQ(CheckMessage(spec), "offset: -1e+39 is not a finite number of at most 3.4e38");
  spec.mutable_rescaling()->set_scale(std::nan(""));
  EXPECT_EQ(CheckMessage(spec), "scale: nan is not a finite number of at most 3.4e38");
}

}  // namespace
}  // namespace gradus::layers
