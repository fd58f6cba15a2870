// SPDX-License-Identifier: Apache-2.0
#include "server/executors/processes.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace gradus::executors {
namespace {

TEST(MarkTest, ComesBackAsItWas) {
  const RankKey key{"j0123456789ab", 7, 42};
  EXPECT_EQ(ParseMark(MarkOf("store", key), "store"), key);
}

TEST(MarkTest, AnotherStoresMarkOrNonsenseIsNone) {
  const RankKey key{"j1", 1, 1};
  EXPECT_FALSE(ParseMark(MarkOf("other", key), "store").has_value());
  for (const char* text : {"", "store", "store/j/1", "store/j/x/1", "store/j/1/2/3"}) {
    EXPECT_FALSE(ParseMark(text, "store").has_value()) << text;
  }
}

TEST(ProcessTest, AHandleNamesAProcessForEver) {
  EXPECT_EQ(HandleOf(::getpid()), HandleOf(::getpid()));
  EXPECT_NE(HandleOf(::getpid()), HandleOf(1));
  EXPECT_FALSE(HasEnded(OpenProcess(::getpid())));
  EXPECT_FALSE(OpenProcess(-1).valid());
}

}  // namespace
}  // namespace gradus::executors
