// SPDX-License-Identifier: Apache-2.0
#include "server/store/request_keys.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "tests/unit/server/store/store_fixture.h"

namespace gradus::store {
namespace {

class RequestKeysTest : public StoreFixture {
 protected:
  absl::StatusOr<std::optional<std::string>> Find(const RequestKey& key) {
    std::optional<std::string> answer;
    RETURN_IF_ERROR(store_->Read([&](ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(answer, FindAnswer(tx, key, clock_.NowMicros()));
      return absl::OkStatus();
    }));
    return answer;
  }

  absl::Status Remember(const RequestKey& key, const std::string& answer) {
    return store_->Write(
        [&](Tx& tx) { return RememberAnswer(tx, key, answer, clock_.NowMicros()); });
  }

  const RequestKey key_ = {"alice", "SubmitJob", "r1", "f1"};
};

TEST_F(RequestKeysTest, ARetryGetsTheFirstAnswer) {
  ASSERT_TRUE(Remember(key_, "answer").ok());
  EXPECT_EQ(**Find(key_), "answer");
}

TEST_F(RequestKeysTest, AnotherPayloadIsAlreadyExists) {
  ASSERT_TRUE(Remember(key_, "answer").ok());
  RequestKey other = key_;
  other.fingerprint = "f2";
  EXPECT_TRUE(absl::IsAlreadyExists(Find(other).status()));
}

TEST_F(RequestKeysTest, KeysAreAUsersAndAMethodsOwn) {
  ASSERT_TRUE(Remember(key_, "answer").ok());
  RequestKey bob = key_;
  bob.user = "bob";
  RequestKey pause = key_;
  pause.method = "PauseJob";
  EXPECT_EQ(*Find(bob), std::nullopt);
  EXPECT_EQ(*Find(pause), std::nullopt);
}

TEST_F(RequestKeysTest, AreKeptForSevenDays) {
  ASSERT_TRUE(Remember(key_, "answer").ok());
  clock_.Advance(kRequestKeyLifetimeMicros);
  EXPECT_EQ(**Find(key_), "answer");
  clock_.Advance(1);
  EXPECT_EQ(*Find(key_), std::nullopt);
  EXPECT_TRUE(Remember(key_, "second life").ok());
  EXPECT_EQ(**Find(key_), "second life");
}

TEST_F(RequestKeysTest, OldOnesAreForgottenHoweverMany) {
  constexpr int kMany = 2500;
  const absl::Status stored = store_->Write([&](Tx& tx) -> absl::Status {
    for (int i = 0; i < kMany; ++i) {
      const RequestKey key{"bob", "SubmitJob", absl::StrCat("r", i), "f"};
      RETURN_IF_ERROR(RememberAnswer(tx, key, "answer", clock_.NowMicros()));
    }
    return absl::OkStatus();
  });
  ASSERT_TRUE(stored.ok()) << stored;
  clock_.Advance(kRequestKeyLifetimeMicros + 1);
  ASSERT_TRUE(Remember(key_, "young").ok());
  EXPECT_EQ(*ForgetOldAnswers(*store_, clock_.NowMicros()), kMany);
  EXPECT_EQ(**Find(key_), "young");
}

TEST(CheckRequestIdTest, TakesOneToSixtyFourPrintableCharacters) {
  EXPECT_TRUE(CheckRequestId("a").ok());
  EXPECT_TRUE(CheckRequestId(std::string(64, '~')).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CheckRequestId("")));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckRequestId(std::string(65, 'a'))));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckRequestId("a\nb")));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckRequestId("\xc3\xa4")));
}

}  // namespace
}  // namespace gradus::store
