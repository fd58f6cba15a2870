// SPDX-License-Identifier: Apache-2.0
// However a weight lies inside, it comes back as it was published, and what lies beside it is zero.
#include "engine/kernels/weight_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/kernels/inner_product.h"
#include "tests/support/guarded.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::Guarded;

constexpr int64_t kInputs = 37;

// The kernel's layout that a candidate chooses.
std::shared_ptr<const WeightLayout> LayoutOf(const std::string& candidate, int64_t units) {
  const auto compiled = MakeInnerProduct(kInputs, units, true)
                            ->Compile({.rows = 16, .candidate = candidate}, {})
                            .value();
  EXPECT_EQ(compiled->layouts().size(), 2u);
  EXPECT_EQ(compiled->layouts()[1]->name(), "plain");
  return compiled->layouts()[0];
}

class EachCandidate : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(WeightLayout, EachCandidate,
                         testing::ValuesIn(MakeInnerProduct(1, 1, true)->candidates()),
                         [](const auto& tested) { return tested.param; });

TEST_P(EachCandidate, PutsTheKernelWhereItComesBackFrom) {
  for (const int64_t units : {1, 8, 33, 100}) {
    const auto layout = LayoutOf(GetParam(), units);
    const std::vector<float> published = Numbers(static_cast<size_t>(kInputs * units), 1, 1, 2);
    Guarded inside(layout->floats() * sizeof(float));
    layout->FromPublic(published.data(), inside.floats().data());
    Guarded back(published.size() * sizeof(float));
    layout->ToPublic(inside.floats().data(), back.floats().data());
    EXPECT_TRUE(inside.Intact() && back.Intact());
    EXPECT_TRUE(std::ranges::equal(back.floats(), published)) << layout->name();
    // No published value is zero, all padding is.
    EXPECT_EQ(std::ranges::count(inside.floats(), 0.0F),
              static_cast<int64_t>(layout->floats()) - kInputs * units);
    for (const float value : inside.floats()) EXPECT_TRUE(value == 0 || (value >= 1 && value < 2));
  }
}

TEST_P(EachCandidate, SaysByItsNameHowTheKernelLies) {
  const std::string name = LayoutOf(GetParam(), 33)->name();
  EXPECT_EQ(LayoutOf(GetParam(), 33)->name(), name);
  EXPECT_THAT(
      name, testing::AnyOf("plain", testing::StartsWith("panels"), testing::StartsWith("onednn:")));
}

TEST(PlainLayout, IsTheTensorItself) {
  const auto layout = PlainLayout(3);
  EXPECT_EQ(layout->floats(), 3u);
  EXPECT_EQ(layout->name(), "plain");
  const std::vector<float> values = {1, 2, 3};
  std::vector<float> inside(3);
  layout->FromPublic(values.data(), inside.data());
  EXPECT_EQ(inside, values);
}

}  // namespace
}  // namespace gradus::kernels
