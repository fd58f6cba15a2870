// SPDX-License-Identifier: Apache-2.0
// Softmax as an operation: along the last axis of rows that hold several vectors.
#include "engine/kernels/softmax.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/guarded.h"

namespace gradus::kernels {
namespace {

using test_support::Guarded;

TEST(Softmax, WorksOnEachVectorOfARow) {
  const auto operation = MakeSoftmax(6, 3);
  EXPECT_EQ(operation->dst_values(), 6);
  EXPECT_FALSE(operation->is_view());
  EXPECT_FALSE(operation->backward_reads_src(false));
  EXPECT_TRUE(operation->backward_reads_dst());
  const std::vector<float> x = {0, 0, 0, 1, 1, 1, std::log(2.0F), 0, 0, 5, 5, 5};
  Guarded src{std::span(x)};
  Guarded dst(x.size() * sizeof(float));
  const auto compiled = operation->Compile({.rows = 2}, {}).value();
  const auto kernels = compiled->Forward({.srcs = {src.cell()}, .dst = dst.cell()}).value();
  for (const auto& kernel : kernels) ASSERT_TRUE(kernel->Run().ok());
  EXPECT_TRUE(dst.Intact());
  const float third = 1.0F / 3;
  const std::vector<float> expected = {third, third, third, third, third, third,
                                       0.5F,  0.25F, 0.25F, third, third, third};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_FLOAT_EQ(dst.floats()[i], expected[i]);
}

TEST(Softmax, HasNoBackwardKernelWhereNobodyWantsTheGradient) {
  const auto compiled = MakeSoftmax(3, 3)->Compile({.rows = 1}, {}).value();
  EXPECT_TRUE(compiled->Backward({})->empty());
}

}  // namespace
}  // namespace gradus::kernels
