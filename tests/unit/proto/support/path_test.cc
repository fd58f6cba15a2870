// SPDX-License-Identifier: Apache-2.0
#include "proto/support/path.h"

#include <gtest/gtest.h>

namespace gradus::support {
namespace {

TEST(Path, ReadsKeysAndIndices) {
  const auto steps = ParsePath("model.layers[12].dense.units");
  ASSERT_TRUE(steps.ok());
  const std::vector<PathStep> expected = {
      {"model", {}}, {"layers", {}}, {"", 12}, {"dense", {}}, {"units", {}}};
  EXPECT_EQ(*steps, expected);
}

TEST(Path, RefusesWhatIsNone) {
  for (const char* text : {"", ".", "a.", ".a", "a..b", "[0]", "a[", "a[]", "a[-1]", "a[x]",
                           "a[0]b", "a[99999999999]"}) {
    EXPECT_FALSE(ParsePath(text).ok()) << text;
  }
}

TEST(Path, RefusesEndlessOnes) {
  std::string path = "a";
  for (int i = 0; i < 1000; ++i) path += ".a";
  EXPECT_FALSE(ParsePath(path).ok());
}

}  // namespace
}  // namespace gradus::support
