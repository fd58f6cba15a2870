// SPDX-License-Identifier: Apache-2.0
// Ranks over Gloo: what holds for every group, and what can happen to its connections.
#include "engine/collective/gloo_group.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <future>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/engine/collective/group_properties.h"
#include "tests/unit/engine/collective/ranks.h"

namespace gradus::collective {
namespace {

class GlooGroups : public testing::TestWithParam<std::tuple<GroupProperty, int>> {};

std::string NameOf(const testing::TestParamInfo<GlooGroups::ParamType>& info) {
  return absl::StrCat(std::get<0>(info.param).name, "Of", std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(All, GlooGroups,
                         testing::Combine(testing::ValuesIn(GroupProperties()),
                                          testing::Values(1, 2, 3, 4)),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Last, GlooGroups,
                         testing::Combine(testing::ValuesIn(LastProperties()),
                                          testing::Values(1, 2, 4)),
                         NameOf);

TEST_P(GlooGroups, Hold) { WithRanks(std::get<1>(GetParam()), std::get<0>(GetParam()).run); }

absl::Status WaitFor(absl::StatusOr<std::unique_ptr<Transfer>> transfer) {
  return transfer.ok() ? (*transfer)->Wait() : transfer.status();
}

void ExpectKilled(pid_t child) {
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

TEST(GlooGroup, ARankThatIsKilledIsNoticed) {
  const NoteBoard board;
  const pid_t child = InProcess([&] {
    const auto group = ConnectGloo(RankOf(board, 1, 2));
    if (!group.ok()) return;
    std::array<std::byte, 1> bytes;
    const absl::Status status = WaitFor((*group)->Receive(0, 0, bytes));
  });
  const auto group = ConnectGloo(RankOf(board, 0, 2));
  ASSERT_TRUE(group.ok()) << group.status();
  std::array<std::byte, 100> bytes;
  auto transfer = (*group)->Receive(1, 0, bytes);
  ASSERT_TRUE(transfer.ok());
  ASSERT_EQ(kill(child, SIGKILL), 0);
  EXPECT_TRUE(absl::IsUnavailable((*transfer)->Wait()));
  EXPECT_TRUE(absl::IsUnavailable((*group)->Send(1, 0, bytes).status()));
  ExpectKilled(child);
}

// Gloo itself tells nobody who waits for just that message.
TEST(GlooGroup, ARankThatIsKilledWhileItSendsIsNoticed) {
  const NoteBoard board;
  constexpr size_t kSize = size_t{256} << 20;
  const pid_t child = InProcess([&] {
    const auto group = ConnectGloo(RankOf(board, 1, 2));
    if (!group.ok()) return;
    std::array<std::byte, 1> posted;
    if (!WaitFor((*group)->Receive(0, 0, posted)).ok()) return;
    const std::vector<std::byte> bytes(kSize);
    const auto transfer = (*group)->Send(0, 1, bytes);
    raise(SIGKILL);
  });
  const auto group = ConnectGloo(RankOf(board, 0, 2));
  ASSERT_TRUE(group.ok()) << group.status();
  std::vector<std::byte> bytes(kSize);
  auto transfer = (*group)->Receive(1, 1, bytes);
  ASSERT_TRUE(transfer.ok());
  const std::array<std::byte, 1> posted{};
  ASSERT_EQ(WaitFor((*group)->Send(1, 0, posted)), absl::OkStatus());
  EXPECT_TRUE(absl::IsUnavailable((*transfer)->Wait()));
  ExpectKilled(child);
}

TEST(GlooGroup, AMessageLongerThanAwaitedBreaksTheGroupAlone) {
  WithRanks(2, [](Group& group) {
    std::vector<std::byte> bytes(group.rank() == 0 ? 10 : 100'000);
    if (group.rank() == 1) {
      const absl::Status sent = WaitFor(group.Send(0, 0, bytes));
      // It may all have been on its way already.
      std::array<std::byte, 1> end;
      EXPECT_TRUE(absl::IsUnavailable(WaitFor(group.Receive(0, 1, end)))) << sent;
      return;
    }
    EXPECT_TRUE(absl::IsUnavailable(WaitFor(group.Receive(1, 0, bytes))));
  });
}

TEST(GlooGroup, ATransferGivenUpLeavesItsMemoryAlone) {
  WithRanks(2, [](Group& group) {
    const int peer = 1 - group.rank();
    if (group.rank() == 0) {
      {
        std::vector<std::byte> gone(1'000'000);
        const auto transfer = group.Receive(peer, 0, gone);
        ASSERT_TRUE(transfer.ok());
      }
      std::array<std::byte, 1> bytes;
      EXPECT_TRUE(absl::IsUnavailable(group.Receive(peer, 1, bytes).status()));
      return;
    }
    std::array<std::byte, 1> bytes;
    EXPECT_TRUE(absl::IsUnavailable(WaitFor(group.Receive(peer, 1, bytes))));
  });
}

TEST(GlooGroup, SilenceEndsAWait) {
  const NoteBoard board;
  const auto rank = [&](int number) {
    GlooOptions options = RankOf(board, number, 2);
    if (number == 0) options.silence_timeout = std::chrono::milliseconds(50);
    return ConnectGloo(options);
  };
  auto other = std::async(std::launch::async, rank, 1);
  const auto group = rank(0);
  const auto silent = other.get();
  ASSERT_TRUE(group.ok() && silent.ok());
  std::array<std::byte, 1> bytes;
  EXPECT_TRUE(absl::IsUnavailable(WaitFor((*group)->Receive(1, 0, bytes))));
  EXPECT_TRUE(absl::IsUnavailable(WaitFor((*silent)->Receive(0, 0, bytes))));
}

TEST(GlooGroup, AProcessMayBelongToManyMeetingsInTurn) {
  for (int meeting = 0; meeting < 5; ++meeting) {
    WithRanks(3, [](Group& group) {
      std::array<std::byte, 8> out{};
      std::array<std::byte, 8> in{};
      auto receive = group.Receive((group.rank() + 1) % 3, 0, in);
      ASSERT_TRUE(receive.ok());
      EXPECT_EQ(WaitFor(group.Send((group.rank() + 2) % 3, 0, out)), absl::OkStatus());
      EXPECT_EQ((*receive)->Wait(), absl::OkStatus());
    });
  }
}

}  // namespace
}  // namespace gradus::collective
