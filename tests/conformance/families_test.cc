// SPDX-License-Identifier: Apache-2.0
// What a user may write in a job file and what the engine knows are the same: each member of a
// family's oneof has exactly one kind, with everything that a kind must have.
#include "tests/conformance/families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace gradus::conformance {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

const google::protobuf::OneofDescriptor* KindOf(const google::protobuf::Descriptor& message) {
  return message.FindOneofByName("kind");
}

class EachFamily : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Kinds, EachFamily, testing::ValuesIn(Families()),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(EachFamily, HasExactlyOneKindForEachFieldOfItsOneof) {
  const google::protobuf::OneofDescriptor* oneof = KindOf(*GetParam().message);
  ASSERT_NE(oneof, nullptr);
  std::map<int, int> kinds;
  for (const Member& member : GetParam().members) ++kinds[member.field];
  for (int i = 0; i < oneof->field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *oneof->field(i);
    EXPECT_EQ(kinds[field.number()], 1) << field.name();
    kinds.erase(field.number());
  }
  EXPECT_THAT(kinds, IsEmpty()) << "kinds without a field";
}

TEST_P(EachFamily, SaysWhatEachKindIsAndWhereItComesFrom) {
  for (const Member& member : GetParam().members) {
    EXPECT_EQ(member.word, GetParam().message->FindFieldByNumber(member.field)->name());
    EXPECT_GE(member.documentation.size(), 2u) << member.word;
    EXPECT_TRUE(member.documentation.ends_with('.')) << member.word << ": no sentence";
    EXPECT_GE(member.source.size(), 5u) << member.word;
  }
}

TEST_P(EachFamily, GivesEachKindEveryFunctionAndSamplesOfItsOwn) {
  for (const Member& member : GetParam().members) {
    EXPECT_TRUE(member.has_reference) << member.word;
    EXPECT_TRUE(member.whole) << member.word;
    EXPECT_FALSE(member.sample_fields.empty()) << member.word;
    for (const int field : member.sample_fields) EXPECT_EQ(field, member.field) << member.word;
  }
}

TEST_P(EachFamily, AcceptsItsSamplesAndFillsInAllDefaultsAtOnce) {
  for (const Member& member : GetParam().members) {
    EXPECT_THAT(member.refusals, IsEmpty()) << member.word;
    EXPECT_EQ(member.samples_checked, member.samples_checked_again) << member.word;
  }
}

// A new oneof of kinds in what describes models and training must be walked too.
TEST(Families, AreAllThatTheLanguageHas) {
  std::set<std::string> walked;
  std::set<const google::protobuf::FileDescriptor*> files;
  std::set<const google::protobuf::Descriptor*> members;
  for (const Family& family : Families()) {
    const google::protobuf::OneofDescriptor& oneof = *KindOf(*family.message);
    for (int i = 0; i < oneof.field_count(); ++i) members.insert(oneof.field(i)->message_type());
    walked.insert(family.message->full_name());
    files.insert(family.message->file());
  }
  for (const google::protobuf::FileDescriptor* file : files) {
    EXPECT_THAT(file->name(), StartsWith("gradus/v1/"));
    for (int i = 0; i < file->message_type_count(); ++i) {
      const google::protobuf::Descriptor& message = *file->message_type(i);
      const google::protobuf::OneofDescriptor* oneof = KindOf(message);
      if (oneof == nullptr || walked.contains(message.full_name())) continue;
      // It may be a choice among members of families.
      for (int k = 0; k < oneof->field_count(); ++k)
        EXPECT_TRUE(members.contains(oneof->field(k)->message_type())) << message.full_name();
    }
  }
}

}  // namespace
}  // namespace gradus::conformance
