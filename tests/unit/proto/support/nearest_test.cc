// SPDX-License-Identifier: Apache-2.0
#include "proto/support/nearest.h"

#include <gtest/gtest.h>

#include <string>

namespace gradus::support {
namespace {

TEST(NearestWord, CountsASwapOfNeighboursAsOneChange) {
  EXPECT_EQ(EditDistance("untis", "units"), 1);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("Units", "units"), 0);
}

TEST(NearestWord, FindsATypingErrorAndNothingForAnotherWord) {
  const std::vector<std::string> known = {"units", "activation", "use_bias"};
  EXPECT_EQ(NearestWord("unitz", known), "units");
  EXPECT_EQ(NearestWord("actvation", known), "activation");
  EXPECT_EQ(NearestWord("colour", known), std::nullopt);
}

TEST(NearestWord, DoesNotWorkOnHugeWords) {
  EXPECT_EQ(NearestWord(std::string(1 << 20, 'a'), {"a"}), std::nullopt);
}

}  // namespace
}  // namespace gradus::support
