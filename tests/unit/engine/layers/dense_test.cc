// SPDX-License-Identifier: Apache-2.0
// Dense: what it refuses, what it fills in, and what it is made of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/status.h"
#include "engine/layers/kind.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Dense : public testing::Test {
 protected:
  v1::Dense& dense() { return *spec_.mutable_dense(); }
  const LayerKind& kind() { return *Find(spec_); }
  std::string CheckMessage() { return std::string(kind().check(spec_).message()); }

  v1::Layer spec_;
  const std::vector<Shape> inputs_ = {{20}};
};

TEST_F(Dense, TakesUnitsThatAreANumberOfRows) {
  EXPECT_EQ((dense(), CheckMessage()), "units: 0 is not a positive number");
  dense().set_units(-3);
  EXPECT_EQ(CheckMessage(), "units: -3 is not a positive number");
  dense().set_units(16'777'217);
  EXPECT_EQ(CheckMessage(), "units: 16777217 is not at most 16777216");
  EXPECT_EQ(base::FieldOf(kind().check(spec_)), "units");
  dense().set_units(16'777'216);
  EXPECT_TRUE(kind().check(spec_).ok());
}

TEST_F(Dense, FillsInWhatKerasDoes) {
  dense().set_units(7);
  ASSERT_TRUE(kind().check(spec_).ok());
  EXPECT_TRUE(dense().activation().has_linear());
  EXPECT_TRUE(dense().use_bias());
  EXPECT_TRUE(dense().kernel_initializer().has_glorot_uniform());
  EXPECT_TRUE(dense().bias_initializer().has_zeros());
}

TEST_F(Dense, KeepsWhatIsGiven) {
  dense().set_units(7);
  dense().set_use_bias(false);
  dense().mutable_kernel_initializer()->mutable_ones();
  dense().mutable_bias_initializer()->mutable_he_normal();
  dense().mutable_activation()->mutable_tanh();
  const v1::Layer given = spec_;
  ASSERT_TRUE(kind().check(spec_).ok());
  EXPECT_EQ(spec_.SerializeAsString(), given.SerializeAsString());
}

TEST_F(Dense, WorksAlongTheLastAxis) {
  dense().set_units(7);
  ASSERT_TRUE(kind().check(spec_).ok());
  EXPECT_THAT(kind().infer(spec_, inputs_).value(), ElementsAre(7));
  const std::vector<Shape> images = {{28, 5, 20}};
  EXPECT_THAT(kind().infer(spec_, images).value(), ElementsAre(28, 5, 7));
  EXPECT_THAT(kind().weights(spec_, images)[0].shape, ElementsAre(20, 7));
  EXPECT_EQ(kind().lower(spec_, images)[0].operation->dst_values(), 28 * 5 * 7);
}

TEST_F(Dense, HasAKernelAndABiasWithTheirFans) {
  dense().set_units(7);
  ASSERT_TRUE(kind().check(spec_).ok());
  const std::vector<Weight> weights = kind().weights(spec_, inputs_);
  ASSERT_EQ(weights.size(), 2u);
  EXPECT_EQ(weights[0].name, "kernel");
  EXPECT_THAT(weights[0].shape, ElementsAre(20, 7));
  EXPECT_EQ(weights[1].name, "bias");
  EXPECT_THAT(weights[1].shape, ElementsAre(7));
  for (const Weight& weight : weights) {
    EXPECT_EQ(weight.fan_in, 20);
    EXPECT_EQ(weight.fan_out, 7);
  }
  dense().set_use_bias(false);
  EXPECT_EQ(kind().weights(spec_, inputs_).size(), 1u);
}

TEST_F(Dense, IsAProductThenItsActivation) {
  dense().set_units(7);
  dense().mutable_activation()->mutable_softmax();
  ASSERT_TRUE(kind().check(spec_).ok());
  std::vector<Lowered> chain = kind().lower(spec_, inputs_);
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_THAT(chain[0].weights, ElementsAre(0, 1));
  EXPECT_EQ(chain[0].activation, v1::Activation::KIND_NOT_SET);
  EXPECT_THAT(chain[1].weights, IsEmpty());
  EXPECT_EQ(chain[1].activation, v1::Activation::kSoftmax);
  dense().mutable_activation()->mutable_linear();
  dense().set_use_bias(false);
  chain = kind().lower(spec_, inputs_);
  ASSERT_EQ(chain.size(), 1u);
  EXPECT_THAT(chain[0].weights, ElementsAre(0));
}

}  // namespace
}  // namespace gradus::layers
