// SPDX-License-Identifier: Apache-2.0
#include "proto/support/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gradus::support {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(absl::string_view text) {
  const auto tree = ParseYaml(text);
  return tree.ok() ? "" : std::string(tree.status().message());
}

TEST(YamlTree, RemembersTheLineOfEachNodeAndKey) {
  const auto tree = ParseYaml("a: 1\nb:\n  - x\n  - {c: d}\n");
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ((*tree)->entries[0].line, 1);
  EXPECT_EQ((*tree)->entries[1].line, 2);
  EXPECT_EQ((*tree)->entries[1].value->items[1]->entries[0].line, 4);
}

TEST(YamlTree, ReadsJson) {
  const auto tree =
      ParseYaml("{\"a\": [1, 2.5, \"x\\n\\\"\\/\\u00e9\"],\n\t\"b\":{\"c\":true},\"d\":null}");
  ASSERT_TRUE(tree.ok()) << tree.status();
  EXPECT_EQ((*tree)->entries[0].value->items[2]->text, "x\n\"/\xc3\xa9");
  EXPECT_EQ((*tree)->entries[2].value->kind, YamlNode::Kind::kNull);
}

TEST(YamlTree, SharesWhatAnAliasNames) {
  const auto tree = ParseYaml("a: &x [1, 2]\nb: *x\n");
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ((*tree)->entries[0].value, (*tree)->entries[1].value);
}

TEST(YamlTree, RefusesAnAliasToWhatContainsIt) {
  EXPECT_THAT(ErrorOf("a: &x [*x]"), HasSubstr("line 1"));
}

TEST(YamlTree, RefusesWhatIsTooLargeOrTooDeep) {
  EXPECT_THAT(ErrorOf(std::string((1 << 20) + 1, 'a')), HasSubstr("1048576"));
  EXPECT_THAT(ErrorOf(std::string(65, '[') + std::string(65, ']')), HasSubstr("deeper than 64"));
  EXPECT_EQ(ErrorOf(std::string(64, '[') + std::string(64, ']')), "");
  EXPECT_THAT(ErrorOf(std::string(1 << 20, '[')), HasSubstr("line 1"));
}

TEST(YamlTree, RefusesTagsSecondDocumentsAndKeysThatAreLists) {
  EXPECT_THAT(ErrorOf("a: !!python/object x"), HasSubstr("tags"));
  EXPECT_THAT(ErrorOf("a: 1\n---\nb: 2\n"), HasSubstr("second document"));
  EXPECT_THAT(ErrorOf("? [a]\n: b\n"), HasSubstr("key"));
}

TEST(YamlTree, NamesTheLineOfASyntaxError) {
  EXPECT_THAT(ErrorOf("a: 1\nb: [1, 2\nc: 3\n"), HasSubstr("line "));
  EXPECT_THAT(ErrorOf("a: 1\nb: \xff\n"), HasSubstr("line 2: not UTF-8"));
}

// yaml-cpp takes a zero byte for the beginning of an escape, and makes bytes that are no UTF-8 of
// two escapes.
TEST(YamlTree, RefusesWhatWouldBecomeOtherBytesThanTheTextHas) {
  EXPECT_THAT(ErrorOf(std::string("a: 1\nb: c\0b", 11)), HasSubstr("line 2: a zero byte"));
  for (const char* text : {"a: \"b\\_c\"", "a: \"b\\Nc\"", "\"b\\_c\": a"})
    EXPECT_THAT(ErrorOf(text), HasSubstr("escapes")) << text;
}

TEST(YamlTree, AnEmptyTextIsNull) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n"}) {
    const auto tree = ParseYaml(text);
    ASSERT_TRUE(tree.ok()) << text;
    EXPECT_EQ((*tree)->kind, YamlNode::Kind::kNull);
  }
}

}  // namespace
}  // namespace gradus::support
