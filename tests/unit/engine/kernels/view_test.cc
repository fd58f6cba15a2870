// SPDX-License-Identifier: Apache-2.0
// A view is no work.
#include <gtest/gtest.h>

#include "engine/kernels/operation.h"

namespace gradus::kernels {
namespace {

TEST(View, HasNothingToRun) {
  const auto view = MakeView(12);
  EXPECT_TRUE(view->is_view());
  EXPECT_EQ(view->dst_values(), 12);
  EXPECT_FALSE(view->backward_reads_src(true));
  EXPECT_FALSE(view->backward_reads_dst());
  const auto compiled = view->Compile({.rows = 3}, {});
  ASSERT_TRUE(compiled.ok());
  EXPECT_TRUE((*compiled)->Forward({})->empty());
  EXPECT_TRUE((*compiled)->Backward({})->empty());
}

}  // namespace
}  // namespace gradus::kernels
