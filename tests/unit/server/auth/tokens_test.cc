// SPDX-License-Identifier: Apache-2.0
// Tokens: good until they end, kept as digests alone, good for what they were issued for.
#include "server/auth/tokens.h"

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_database.h"

namespace gradus::auth {
namespace {

class TokensTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    tokens_.reset();
    store_.reset();
    auto store = store::Store::Open({.path = database_.path(),
                                     .url = database_.url(),
                                     .files = &base::RealFiles(),
                                     .clock = &clock_});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    auto tokens = Tokens::Load(*store_, clock_, base::SystemRandom());
    ASSERT_TRUE(tokens.ok()) << tokens.status();
    tokens_ = *std::move(tokens);
  }
  std::string Path() const { return base::JoinPath(dir_.path(), "gradus.db"); }

  std::string Issue(const std::string& user, Role role = Role::kUser) {
    auto secret = tokens_->Issue(user, role, kLongestTokenLife);
    EXPECT_TRUE(secret.ok()) << secret.status();
    return *secret;
  }
  std::string IssueForAttempt(const std::string& job, int32_t attempt) {
    std::string secret;
    EXPECT_TRUE(store_
                    ->Write([&](store::Tx& tx) -> absl::Status {
                      ASSIGN_OR_RETURN(secret, tokens_->IssueForAttempt(tx, job, attempt));
                      return absl::OkStatus();
                    })
                    .ok());
    return secret;
  }
  bool Good(const std::string& secret) const { return tokens_->Check(secret).ok(); }

  test_support::TempDir dir_;
  test_support::TestDatabase database_{Path()};
  test_support::FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Tokens> tokens_;
};

TEST_F(TokensTest, SayWhomTheyBelongTo) {
  const auto principal = tokens_->Check(Issue("ann", Role::kAdmin));
  ASSERT_TRUE(principal.ok());
  EXPECT_EQ(principal->user, "ann");
  EXPECT_EQ(principal->role, Role::kAdmin);
}

TEST_F(TokensTest, AreDifferentEachTimeAndHold256Bits) {
  const std::string a = Issue("ann");
  const std::string b = Issue("ann");
  EXPECT_NE(a, b);
  EXPECT_EQ(a.size(), std::string("gradus_").size() + 64);
}

TEST_F(TokensTest, AnythingElseIsRefused) {
  const std::string good = Issue("ann");
  std::string flipped = good;
  flipped.back() = flipped.back() == '0' ? '1' : '0';
  const std::string digest = base::Sha256Hex(good);
  for (const std::string& bad :
       {std::string(), flipped, good.substr(1), good + "0", digest, absl::StrCat("gradus_", digest),
        std::string(1 << 20, 'a'), good.substr(0, good.size() - 1)}) {
    EXPECT_EQ(tokens_->Check(bad).status().code(), absl::StatusCode::kUnauthenticated);
  }
}

TEST_F(TokensTest, OnlyDigestsReachTheDisk) {
  const std::string person = Issue("ann");
  const std::string rank = IssueForAttempt("j1", 1);
  store_.reset();
  const std::vector<std::string> names = base::RealFiles().List(dir_.path()).value();
  ASSERT_FALSE(names.empty());
  for (const std::string& name : names) {
    const std::string bytes =
        base::ReadFile(base::RealFiles(), base::JoinPath(dir_.path(), name), 64 << 20).value();
    for (const std::string& secret : {person, rank}) {
      EXPECT_EQ(bytes.find(secret), std::string::npos) << name;
      EXPECT_EQ(bytes.find(secret.substr(7)), std::string::npos) << name;
    }
  }
  Open();
}

// As another server on the same store sees them.
TEST_F(TokensTest, WhatAnotherServerIssuesAndEndsIsSeenWhenReadAgain) {
  const auto other = *Tokens::Load(*store_, clock_, base::SystemRandom());
  const std::string person = Issue("ann");
  EXPECT_FALSE(other->Check(person).ok());
  ASSERT_TRUE(other->Reload().ok());
  EXPECT_TRUE(other->Check(person).ok());
  ASSERT_TRUE(tokens_->RevokeUser("ann").ok());
  ASSERT_TRUE(other->Reload().ok());
  EXPECT_FALSE(other->Check(person).ok());
  ASSERT_TRUE(tokens_->Reload().ok());
  EXPECT_FALSE(Good(person));
}

TEST_F(TokensTest, OutliveTheProcess) {
  const std::string person = Issue("ann");
  const std::string rank = IssueForAttempt("j1", 3);
  Open();
  EXPECT_TRUE(Good(person));
  const auto principal = tokens_->Check(rank);
  ASSERT_TRUE(principal.ok());
  EXPECT_EQ(principal->role, Role::kWorker);
  EXPECT_EQ(principal->job, "j1");
  EXPECT_EQ(principal->attempt, 3);
}

TEST_F(TokensTest, EndAfterTheirLife) {
  const std::string day = *tokens_->Issue("ann", Role::kUser, kMicrosPerDay);
  clock_.Advance(kMicrosPerDay - 1);
  EXPECT_TRUE(Good(day));
  clock_.Advance(1);
  EXPECT_FALSE(Good(day));
  Open();
  EXPECT_FALSE(Good(day));
}

TEST_F(TokensTest, NoLifeIsLongerThan90Days) {
  for (const int64_t life : {int64_t{0}, int64_t{-1}, kLongestTokenLife + 1}) {
    EXPECT_EQ(tokens_->Issue("ann", Role::kUser, life).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(TokensTest, PeopleDoNotGetAWorkersRole) {
  EXPECT_FALSE(tokens_->Issue("ann", Role::kWorker, kMicrosPerDay).ok());
  EXPECT_FALSE(tokens_->Issue("", Role::kUser, kMicrosPerDay).ok());
}

TEST_F(TokensTest, RevokingAUserEndsAllOfTheirsAndNoOthers) {
  const std::string a = Issue("ann");
  const std::string b = Issue("ann", Role::kAdmin);
  const std::string other = Issue("bob");
  ASSERT_TRUE(tokens_->RevokeUser("ann").ok());
  EXPECT_FALSE(Good(a) || Good(b));
  EXPECT_TRUE(Good(other));
  Open();
  EXPECT_FALSE(Good(a) || Good(b));
  EXPECT_TRUE(Good(other));
}

TEST_F(TokensTest, WorkersOfOneAttemptHaveTokensOfTheirOwn) {
  const std::string leader = IssueForAttempt("j1", 1);
  const std::string member = IssueForAttempt("j1", 1);
  EXPECT_NE(leader, member);
  EXPECT_TRUE(Good(leader) && Good(member));
  Open();
  EXPECT_TRUE(Good(leader) && Good(member));
  IssueForAttempt("j1", 2);
  EXPECT_FALSE(Good(leader) || Good(member));
}

TEST_F(TokensTest, ANewAttemptEndsTheEarlierOnesTokens) {
  const std::string first = IssueForAttempt("j1", 1);
  const std::string other = IssueForAttempt("j2", 1);
  const std::string second = IssueForAttempt("j1", 2);
  EXPECT_FALSE(Good(first));
  EXPECT_TRUE(Good(second));
  EXPECT_TRUE(Good(other));
  Open();
  EXPECT_FALSE(Good(first));
  EXPECT_TRUE(Good(second));
}

TEST_F(TokensTest, ATransactionThatFailsIssuesNothing) {
  const std::string first = IssueForAttempt("j1", 1);
  std::string second;
  EXPECT_FALSE(store_
                   ->Write([&](store::Tx& tx) -> absl::Status {
                     ASSIGN_OR_RETURN(second, tokens_->IssueForAttempt(tx, "j1", 2));
                     return absl::AbortedError("on purpose");
                   })
                   .ok());
  EXPECT_FALSE(Good(second));
  EXPECT_TRUE(Good(first));
}

TEST_F(TokensTest, TidyForgetsEndedJobsAndExpiredTokens) {
  const std::string ended = IssueForAttempt("ended", 1);
  const std::string running = IssueForAttempt("running", 1);
  const std::string day = *tokens_->Issue("ann", Role::kUser, kMicrosPerDay);
  const std::string long_one = Issue("ann");
  clock_.Advance(kMicrosPerDay);
  ASSERT_TRUE(tokens_->Tidy([](const std::string& job) { return job == "ended"; }).ok());
  EXPECT_FALSE(Good(ended) || Good(day));
  EXPECT_TRUE(Good(running) && Good(long_one));
}

}  // namespace
}  // namespace gradus::auth
