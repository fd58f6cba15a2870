// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/notes.h"

#include <gtest/gtest.h>

#include <string>

namespace gradus::jobs {
namespace {

constexpr int64_t kNewest = 3;

class NotesTest : public ::testing::Test {
 protected:
  void SetUp() override { notes_.Open("j1", kNewest, {11, 12}); }

  absl::Status Put(const std::string& key, const std::string& value, int64_t generation = kNewest,
                   int64_t fence = 11) {
    v1::PutNoteRequest request;
    request.set_generation(generation);
    request.set_key(key);
    request.set_value(value);
    return notes_.Put({"j1", 1, fence}, request);
  }
  absl::StatusOr<v1::GetNotesResponse> Get(const std::vector<std::string>& keys,
                                           int64_t generation = kNewest, int64_t fence = 12) {
    v1::GetNotesRequest request;
    request.set_generation(generation);
    request.mutable_keys()->Assign(keys.begin(), keys.end());
    return notes_.Get({"j1", 1, fence}, request);
  }

  Notes notes_;
};

TEST_F(NotesTest, WhatOneLeavesAnotherFinds) {
  ASSERT_TRUE(Put("a", "10.0.0.1:700").ok());
  const auto found = Get({"a", "b"});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->notes_size(), 1);
  EXPECT_EQ(found->notes().at("a"), "10.0.0.1:700");
  ASSERT_TRUE(Put("a", "10.0.0.2:700").ok());
  EXPECT_EQ(Get({"a"})->notes().at("a"), "10.0.0.2:700");
}

TEST_F(NotesTest, NotesGoWithTheirMeeting) {
  ASSERT_TRUE(Put("a", "x").ok());
  notes_.Open("j1", kNewest + 1, {11, 12});
  EXPECT_TRUE(absl::IsAborted(Get({"a"}).status()));
  EXPECT_TRUE(absl::IsAborted(Put("a", "x")));
  EXPECT_EQ(Get({"a"}, kNewest + 1)->notes_size(), 0);
  EXPECT_TRUE(absl::IsUnavailable(Get({"a"}, kNewest + 2).status()));
  notes_.Close("j1");
  EXPECT_TRUE(absl::IsAborted(Get({"a"}, kNewest + 1).status()));
}

// A rank that found its server started again in the middle of a meeting asked for ever, and the
// others waited for it.
TEST(NotesOfAnotherServerTest, MeetingsOfTheServerBeforeCannotBeJoined) {
  Notes notes;
  v1::PutNoteRequest put;
  put.set_generation(1);
  put.set_key("a");
  EXPECT_TRUE(absl::IsAborted(notes.Put({"j1", 1, 12}, put)));
  v1::GetNotesRequest get;
  get.set_generation(1);
  EXPECT_TRUE(absl::IsAborted(notes.Get({"j1", 1, 12}, get).status()));
}

TEST_F(NotesTest, OnlyRanksOfTheMeetingMayCome) {
  EXPECT_TRUE(absl::IsFailedPrecondition(Put("a", "x", kNewest, 13)));
  EXPECT_TRUE(absl::IsFailedPrecondition(Get({"a"}, kNewest, 13).status()));
}

TEST_F(NotesTest, NobodyFillsTheMemory) {
  EXPECT_TRUE(absl::IsInvalidArgument(Put("", "x")));
  EXPECT_TRUE(absl::IsInvalidArgument(Put(std::string(Notes::kLongestKey + 1, 'k'), "x")));
  const std::string longest(Notes::kLongestValue, 'v');
  EXPECT_TRUE(absl::IsInvalidArgument(Put("k", longest + "v")));
  EXPECT_TRUE(
      absl::IsInvalidArgument(Get(std::vector<std::string>(Notes::kMostKeys + 1, "k")).status()));
  size_t taken = 0;
  while (Put(std::to_string(taken), longest).ok()) ++taken;
  EXPECT_LE(taken * longest.size(), Notes::kMostBytes);
  EXPECT_GE((taken + 2) * longest.size(), Notes::kMostBytes);
  EXPECT_TRUE(absl::IsResourceExhausted(Put("more", longest)));
  EXPECT_TRUE(Put("0", longest).ok()) << "in the place of another";
  std::vector<std::string> all;
  for (size_t i = 0; i < taken; ++i) all.push_back(std::to_string(i));
  EXPECT_LE(Get(all)->ByteSizeLong(), Notes::kMostAnswered + (64 << 10));
}

TEST_F(NotesTest, SmallNotesAreCountedToo) {
  for (size_t i = 0; i < Notes::kMostNotes; ++i) ASSERT_TRUE(Put(std::to_string(i), "").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Put("one more", "")));
}

}  // namespace
}  // namespace gradus::jobs
