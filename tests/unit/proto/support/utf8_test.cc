// SPDX-License-Identifier: Apache-2.0
#include "proto/support/utf8.h"

#include <gtest/gtest.h>

namespace gradus::support {
namespace {

TEST(Utf8, FindsEachKindOfIllFormedBytes) {
  EXPECT_EQ(FirstInvalidUtf8("plain, caf\xc3\xa9, \xf0\x9f\x98\x80"), std::nullopt);
  EXPECT_EQ(FirstInvalidUtf8("a\xff"), 1u);
  EXPECT_EQ(FirstInvalidUtf8("ab\xc3"), 2u);            // ends early
  EXPECT_EQ(FirstInvalidUtf8("\xc0\xaf"), 0u);          // "/" in two bytes
  EXPECT_EQ(FirstInvalidUtf8("\xed\xa0\x80"), 0u);      // surrogate
  EXPECT_EQ(FirstInvalidUtf8("\xf5\x80\x80\x80"), 0u);  // beyond Unicode
  EXPECT_EQ(FirstInvalidUtf8("\xe2\x28\xa1"), 0u);      // no continuation
}

TEST(Utf8, LeavesNothingATerminalWouldObey) {
  EXPECT_EQ(Printable("\x1b[31mred\x1b[0m"), "?[31mred?[0m");
  EXPECT_EQ(Printable("a\rb\bc\x7f"), "a?b?c?");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "2J"),
            "?2J");  // C1 control sequence introducer
  EXPECT_EQ(Printable("abc\xe2\x80\xae"
                      "fdp"),
            "abc?fdp");  // right-to-left override
  EXPECT_EQ(Printable("a\xd8\x9c"
                      "b"),
            "a?b");  // Arabic letter mark
  EXPECT_EQ(Printable("x\xff"), "x?");
  EXPECT_EQ(Printable("caf\xc3\xa9\n\tx"), "caf\xc3\xa9\n\tx");
  EXPECT_EQ(Printable("two\nlines", true), "two lines");
}

TEST(Utf8, EscapesInJsonWhatATerminalWouldObey) {
  EXPECT_EQ(JsonForTerminal("{\"a\":\"x\xc2\x9by\x7f\xe2\x80\xae\"}"),
            "{\"a\":\"x\\u009by\\u007f\\u202e\"}");
  EXPECT_EQ(JsonForTerminal("{\"a\":\"caf\xc3\xa9\"}\n"), "{\"a\":\"caf\xc3\xa9\"}\n");
}

TEST(Utf8, CutsBeforeWhatWouldNotFitWhole) {
  const std::string text = "ab\xe2\x82\xac\xf0\x9f\x98\x80";
  EXPECT_EQ(CutUtf8(text, 100), text);
  EXPECT_EQ(CutUtf8(text, 9), text);
  EXPECT_EQ(CutUtf8(text, 8), "ab\xe2\x82\xac");
  EXPECT_EQ(CutUtf8(text, 5), "ab\xe2\x82\xac");
  EXPECT_EQ(CutUtf8(text, 4), "ab");
  EXPECT_EQ(CutUtf8(text, 0), "");
}

TEST(Utf8, CountsColumnsNotBytes) { EXPECT_EQ(DisplayWidth("caf\xc3\xa9"), 4u); }

}  // namespace
}  // namespace gradus::support
