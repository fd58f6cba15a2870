// SPDX-License-Identifier: Apache-2.0
// Two ranks of a meeting come to know each other; anybody else does not get in, whatever he says.
#include "engine/collective/handshake.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gradus::collective {
namespace {

const Identity kFirst = {.generation = 3, .rank = 0, .size = 2, .secret = "between us"};
const Identity kSecond = {.generation = 3, .rank = 1, .size = 2, .secret = "between us"};

// Passes on what `from` has to say, in portions of `portion` bytes.
absl::Status Pass(Handshake& from, Handshake& to, size_t portion) {
  while (!from.to_send().empty()) {
    const size_t count = std::min({portion, from.to_send().size(), to.wanted()});
    EXPECT_GT(count, 0U);
    if (count == 0) return absl::InternalError("says more than is awaited");
    const absl::Status status = to.Received(from.to_send().first(count));
    from.Sent(count);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// The first error of either end.
absl::Status Talk(Handshake& caller, Handshake& answer, size_t portion = 1000) {
  while (!caller.done() || !answer.done()) {
    if (caller.to_send().empty() && answer.to_send().empty())
      return absl::InternalError("both wait");
    if (auto status = Pass(caller, answer, portion); !status.ok()) return status;
    if (auto status = Pass(answer, caller, portion); !status.ok()) return status;
  }
  return absl::OkStatus();
}

TEST(Handshake, RanksOfAMeetingComeToKnowEachOther) {
  for (const size_t portion : {1, 7, 1000}) {
    Handshake caller = Handshake::Call(kSecond, 0);
    Handshake answer = Handshake::Answer(kFirst);
    ASSERT_EQ(Talk(caller, answer, portion), absl::OkStatus());
    EXPECT_EQ(caller.peer(), 0);
    EXPECT_EQ(answer.peer(), 1);
  }
}

TEST(Handshake, WhoDoesNotKnowTheSecretIsNotBelieved) {
  Identity stranger = kSecond;
  stranger.secret = "between u$";
  {
    Handshake caller = Handshake::Call(stranger, 0);
    Handshake answer = Handshake::Answer(kFirst);
    EXPECT_TRUE(absl::IsPermissionDenied(Talk(caller, answer)));
  }
  // A caller that does not look at the answer.
  Handshake caller = Handshake::Call(stranger, 0);
  Handshake answer = Handshake::Answer(kFirst);
  ASSERT_EQ(Pass(caller, answer, 1000), absl::OkStatus());
  const std::vector<std::byte> guess(answer.wanted(), std::byte{42});
  EXPECT_TRUE(absl::IsPermissionDenied(answer.Received(guess)));
  EXPECT_FALSE(answer.done());
}

// What was said once is of no use to who heard it, nor what the other end says.
TEST(Handshake, NothingCanBeSaidAgain) {
  std::vector<std::byte> hello;
  std::vector<std::byte> proof;
  {
    Handshake caller = Handshake::Call(kSecond, 0);
    Handshake answer = Handshake::Answer(kFirst);
    hello.assign(caller.to_send().begin(), caller.to_send().end());
    ASSERT_EQ(Pass(caller, answer, 1000), absl::OkStatus());
    ASSERT_EQ(Pass(answer, caller, 1000), absl::OkStatus());
    proof.assign(caller.to_send().begin(), caller.to_send().end());
  }
  Handshake answer = Handshake::Answer(kFirst);
  ASSERT_EQ(answer.Received(hello), absl::OkStatus());
  EXPECT_TRUE(absl::IsPermissionDenied(answer.Received(proof)));

  Handshake again = Handshake::Answer(kFirst);
  ASSERT_EQ(again.Received(hello), absl::OkStatus());
  std::vector<std::byte> reflected(again.to_send().begin(), again.to_send().end());
  reflected.erase(reflected.begin(), reflected.begin() + 32);
  EXPECT_TRUE(absl::IsPermissionDenied(again.Received(reflected)));
}

TEST(Handshake, OtherMeetingsAndRanksStayOut) {
  const auto refused = [](Identity caller_is, int calls) {
    Handshake caller = Handshake::Call(caller_is, calls);
    Handshake answer = Handshake::Answer(kFirst);
    return absl::IsPermissionDenied(Talk(caller, answer));
  };
  Identity earlier = kSecond;
  earlier.generation = 2;
  EXPECT_TRUE(refused(earlier, 0));
  EXPECT_TRUE(refused(kSecond, 1));
  Identity third = kSecond;
  third.rank = 2;
  EXPECT_TRUE(refused(third, 0));
  EXPECT_TRUE(refused(kFirst, 0));
}

// Each byte of each message matters.
TEST(Handshake, AnyChangedBitIsNoticed) {
  for (size_t changed = 0; changed < 56 + 64 + 32; ++changed) {
    Handshake caller = Handshake::Call(kSecond, 0);
    Handshake answer = Handshake::Answer(kFirst);
    size_t said = 0;
    absl::Status status;
    for (int turn = 0; turn < 3 && status.ok(); ++turn) {
      Handshake& from = turn == 1 ? answer : caller;
      Handshake& to = turn == 1 ? caller : answer;
      std::vector<std::byte> bytes(from.to_send().begin(), from.to_send().end());
      from.Sent(bytes.size());
      if (changed >= said && changed - said < bytes.size()) bytes[changed - said] ^= std::byte{4};
      said += bytes.size();
      status = to.Received(bytes);
    }
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << "byte " << changed;
  }
}

}  // namespace
}  // namespace gradus::collective
