// SPDX-License-Identifier: Apache-2.0
// Names are safe wherever they are put.
#include "engine/base/names.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/status.h"

namespace gradus::base {
namespace {

TEST(Names, TakesLettersDigitsAndThreeSigns) {
  for (const char* name : {"a", "fashion-mnist", "dense_1", "v1.2", "-", "_", "0", "a..b"})
    EXPECT_TRUE(IsName(name)) << name;
  EXPECT_TRUE(IsName(std::string(128, 'x')));
}

TEST(Names, RefusesPathTricks) {
  const std::string tricks[] = {"",        ".",
                                "..",      ".hidden",
                                "../x",    "a/b",
                                "a\\b",    "/etc/passwd",
                                "a b",     "a;b",
                                "a%2e%2e", "a:b",
                                "a@1",     std::string("a\0b", 3),
                                "a\n",     "\xc3\xa4",
                                "\xff",    std::string(129, 'x'),
                                "~",       "a*",
                                "$HOME"};
  for (const std::string& name : tricks) EXPECT_FALSE(IsName(name)) << name;
}

TEST(Names, ErrorsShowTheFieldAndAPrintableName) {
  const absl::Status status = CheckName("dataset", "a\nb\xff");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(status), "dataset");
  EXPECT_THAT(status.message(), testing::HasSubstr("a\\nb\\xff"));
}

TEST(Names, CutsWhatIsTooLongToShow) { EXPECT_EQ(Shown(std::string(1000, 'a'), 5), "aaaaa..."); }

}  // namespace
}  // namespace gradus::base
