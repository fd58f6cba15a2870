// SPDX-License-Identifier: Apache-2.0
// Numbers out of random words, by every variant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/base/normal_quantile.h"
#include "engine/base/philox.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

class NoiseNumbers : public EachVariant {};
GRADUS_FOR_EACH_VARIANT(NoiseNumbers);

TEST_P(NoiseNumbers, AreChosenUpToAWord) {
  const std::vector<uint32_t> words = {0, 99, 100, 101, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  std::vector<float> dst(words.size());
  vector().choose(words.data(), 100, -1, 2, dst.data(), words.size());
  EXPECT_THAT(dst, testing::ElementsAre(-1, -1, -1, 2, 2, 2, 2));
  vector().choose(words.data(), 0x80000000, -1, 2, dst.data(), words.size());
  EXPECT_THAT(dst, testing::ElementsAre(-1, -1, -1, -1, -1, -1, 2));
  vector().choose(words.data(), 0xFFFFFFFF, -1, 2, dst.data(), words.size());
  EXPECT_THAT(dst, testing::Each(-1));
}

TEST_P(NoiseNumbers, FollowTheNormalQuantileOutToTheEnds) {
  std::vector<uint32_t> words = {0, 0xFF, 0x100, 0x200, 0x1000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  for (uint32_t i = 0; i < 100'000; ++i) words.push_back(i * 42'949U);
  std::vector<float> dst(words.size());
  vector().normal(words.data(), dst.data(), words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    const double p = ((words[i] >> 8U) + 0.5) * 0x1p-24;
    const double expected = base::NormalQuantile(p);
    ASSERT_NEAR(static_cast<double>(dst[i]), expected, 2e-6 * std::max(1.0, std::fabs(expected)))
        << words[i];
  }
  EXPECT_NEAR(dst[0], -dst[7], 1e-5);
}

TEST_P(NoiseNumbers, HaveTheMomentsOfANormalDistribution) {
  constexpr size_t kCount = 1'000'000;
  std::vector<uint32_t> words(kCount);
  base::FillWords({.seed = 11}, 0, words);
  std::vector<float> dst(kCount);
  vector().normal(words.data(), dst.data(), kCount);
  double sum = 0;
  double squares = 0;
  for (const float value : dst) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  EXPECT_NEAR(sum / kCount, 0, 4 / std::sqrt(kCount));
  EXPECT_NEAR(squares / kCount, 1, 4 * std::sqrt(2.0 / kCount));
}

}  // namespace
}  // namespace gradus::kernels
