// SPDX-License-Identifier: Apache-2.0
// The generator is Philox4x32-10, its draws have the distributions they claim, and do not depend on
// who draws which part.
#include "engine/base/philox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "engine/base/normal_quantile.h"
#include "engine/base/sha256.h"

namespace gradus::base {
namespace {

using testing::ElementsAre;

RandomKey Key(uint64_t seed) {
  return RandomKey{.seed = seed, .purpose = RandomPurpose::kTest, .index = 0, .step = 0};
}

struct Moments {
  double mean;
  double variance;
};

Moments MomentsOf(const std::vector<float>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double sum = 0;
  for (const float value : values) sum += (value - mean) * (value - mean);
  return {mean, sum / n};
}

TEST(Philox, GivesThePapersKnownAnswers) {
  // kat_vectors of Random123, "philox4x32 10".
  EXPECT_THAT(Philox::Bijection({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(
      Philox::Bijection({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
      ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(
      Philox::Bijection({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(Philox, EveryPartOfTheKeyMakesAnotherStream) {
  std::set<uint32_t> words;
  const RandomKey key{.seed = 1, .purpose = RandomPurpose::kDropout, .index = 2, .step = 3};
  words.insert(Philox(key).Word(0));
  RandomKey other = key;
  other.seed = 1 | (uint64_t{1} << 32U);
  words.insert(Philox(other).Word(0));
  other = key;
  other.purpose = RandomPurpose::kNoise;
  words.insert(Philox(other).Word(0));
  other = key;
  other.index = 3;
  words.insert(Philox(other).Word(0));
  other = key;
  other.step = 3 | (uint64_t{1} << 32U);
  words.insert(Philox(other).Word(0));
  EXPECT_EQ(words.size(), 5U);
}

TEST(Philox, AStreamYieldsTheWordsInOrder) {
  PhiloxStream stream(Key(7));
  const Philox philox(Key(7));
  for (uint64_t i = 0; i < 11; ++i) EXPECT_EQ(stream.Next(), philox.Word(i)) << i;
}

TEST(Philox, WordsAreThoseOfTheStreamFromAnyPlaceOn) {
  const Philox philox(Key(7));
  for (const uint64_t first : {0, 1, 6, 1003}) {
    for (const size_t count : {0, 1, 5, 64}) {
      std::vector<uint32_t> words(count);
      FillWords(Key(7), first, words);
      for (size_t i = 0; i < count; ++i) EXPECT_EQ(words[i], philox.Word(first + i));
    }
  }
}

TEST(Philox, FillsDoNotDependOnHowTheyAreSplit) {
  const auto fills = {FillUniform, FillNormal, FillTruncatedNormal};
  for (const auto fill : fills) {
    std::vector<float> whole(1001);
    fill(Key(5), 0, -1, 2, whole);
    std::vector<float> parts(1001);
    const std::vector<size_t> cuts = {0, 1, 6, 7, 128, 513, 1001};
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      fill(Key(5), cuts[i], -1, 2, std::span<float>(parts).subspan(cuts[i], cuts[i + 1] - cuts[i]));
    }
    EXPECT_EQ(whole, parts);
  }
}

TEST(Philox, BitsAreTheSameOnEveryMachine) {
  std::vector<float> values(4096);
  Sha256 hash;
  FillNormal(Key(1), 0, 0, 1, values);
  hash.Update(std::as_bytes(std::span<const float>(values)));
  FillTruncatedNormal(Key(2), 0, 0, 0.05F, values);
  hash.Update(std::as_bytes(std::span<const float>(values)));
  FillUniform(Key(3), 0, -0.1F, 0.1F, values);
  hash.Update(std::as_bytes(std::span<const float>(values)));
  std::vector<uint32_t> rows(1000);
  FillPermutation(Key(4), rows);
  hash.Update(std::as_bytes(std::span<const uint32_t>(rows)));
  EXPECT_EQ(ToHex(hash.Finish()),
            "b06facb76f6eb941c3a501de9f8aab4a20d9bfc5b485b860a5708b77998c0b27");
}

TEST(Philox, UniformFillsItsIntervalEvenly) {
  std::vector<float> values(200000);
  FillUniform(Key(11), 0, -3, 5, values);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*least, -3);
  EXPECT_LT(*most, 5);
  const Moments moments = MomentsOf(values);
  EXPECT_NEAR(moments.mean, 1, 0.03);
  EXPECT_NEAR(moments.variance, 64.0 / 12, 0.05);
}

TEST(Philox, UniformNeverReachesItsUpperBound) {
  // With a range of one unit in the last place nearly every draw rounds to a bound.
  const float low = 1;
  const float high = std::nextafter(1.0F, 2.0F);
  std::vector<float> values(1000);
  FillUniform(Key(12), 0, low, high, values);
  EXPECT_THAT(values, testing::Each(low));
}

TEST(Philox, NormalHasItsMoments) {
  std::vector<float> values(200000);
  FillNormal(Key(13), 0, 2, 3, values);
  const Moments moments = MomentsOf(values);
  EXPECT_NEAR(moments.mean, 2, 0.03);
  EXPECT_NEAR(moments.variance, 9, 0.1);
  const auto beyond =
      std::count_if(values.begin(), values.end(), [](float x) { return std::fabs(x - 2) > 6; });
  EXPECT_NEAR(static_cast<double>(beyond) / 200000, 0.0455, 0.002);
}

TEST(Philox, TruncatedNormalStaysWithinTwoDeviations) {
  std::vector<float> values(200000);
  FillTruncatedNormal(Key(14), 0, 1, 0.5F, values);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*least, 0);
  EXPECT_LE(*most, 2);
  const Moments moments = MomentsOf(values);
  EXPECT_NEAR(moments.mean, 1, 0.005);
  EXPECT_NEAR(std::sqrt(moments.variance), 0.5 * 0.87962566, 0.005);
}

TEST(Philox, BernoulliHasItsProbability) {
  std::vector<uint8_t> values(100000);
  FillBernoulli(Key(15), 0, 0.2F, values);
  EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.0) / 100000, 0.2, 0.01);
  FillBernoulli(Key(15), 0, 0, values);
  EXPECT_THAT(values, testing::Each(0));
  FillBernoulli(Key(15), 0, 1, values);
  EXPECT_THAT(values, testing::Each(1));
}

TEST(Philox, PermutationHoldsEveryRowOnce) {
  for (const size_t n : {size_t{0}, size_t{1}, size_t{2}, size_t{55000}}) {
    std::vector<uint32_t> rows(n, 99);
    FillPermutation(Key(16), rows);
    std::sort(rows.begin(), rows.end());
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(rows[i], i);
  }
}

TEST(Philox, PermutationsOfThreeAreEquallyLikely) {
  std::map<std::vector<uint32_t>, int> counts;
  for (uint64_t step = 0; step < 6000; ++step) {
    std::vector<uint32_t> rows(3);
    RandomKey key = Key(17);
    key.step = step;
    FillPermutation(key, rows);
    ++counts[rows];
  }
  ASSERT_EQ(counts.size(), 6U);
  for (const auto& [rows, count] : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(Philox, BoundedNumbersStayBelowTheirBound) {
  PhiloxStream stream(Key(18));
  for (const uint32_t bound : {1U, 2U, 3U, 0x80000001U, 0xffffffffU}) {
    for (int i = 0; i < 100; ++i) EXPECT_LT(stream.NextBelow(bound), bound);
  }
  for (int i = 0; i < 1000; ++i) {
    const double x = stream.NextDouble();
    EXPECT_TRUE(x >= 0 && x < 1);
  }
}

TEST(NormalQuantile, InvertsTheDistributionFunction) {
  for (const double p :
       {1e-12, 1e-9, 1e-5, 0.001, 0.02, 0.074, 0.076, 0.3, 0.5, 0.77, 0.95, 0.9999, 1 - 1e-9}) {
    const double x = NormalQuantile(p);
    EXPECT_NEAR(0.5 * std::erfc(-x / std::sqrt(2.0)) / p, 1, 1e-11) << p;
  }
}

}  // namespace
}  // namespace gradus::base
