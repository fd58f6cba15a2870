// SPDX-License-Identifier: Apache-2.0
// Activations: the default, and what each is lowered to.
#include "engine/layers/activations/kind.h"

#include <gtest/gtest.h>

namespace gradus::activations {
namespace {

TEST(ActivationKind, IsLinearWhereNothingIsSaid) {
  v1::Activation spec;
  EXPECT_EQ(Find(spec), nullptr);
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_TRUE(spec.has_linear());
  EXPECT_EQ(Word(*Find(spec)), "linear");
}

TEST(ActivationKind, IsNoOperationWhereThereIsNothingToDo) {
  const std::vector<int64_t> shape = {3, 5};
  for (const ActivationKind* kind : Table()) {
    for (const v1::Activation& spec : kind->samples()) {
      const auto operation = Lower(spec, shape);
      EXPECT_EQ(operation == nullptr, kind->field == v1::Activation::kLinear) << Word(*kind);
      EXPECT_TRUE(operation == nullptr || operation->dst_values() == 15) << Word(*kind);
    }
  }
}

}  // namespace
}  // namespace gradus::activations
