// SPDX-License-Identifier: Apache-2.0
// Ranks find each other by their notes, and strangers who connect in between change nothing.
#include "engine/collective/mesh.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "tests/unit/engine/collective/group_properties.h"
#include "tests/unit/engine/collective/ranks.h"

namespace gradus::collective {
namespace {

MeshOptions MeshOf(const NoteBoard& board, int rank, int size) {
  return {.self = RankOf(board, rank, size).self,
          .address = "127.0.0.1",
          .notes = board.notes(),
          .timeout = std::chrono::seconds(60),
          .aborted = {}};
}

// Connects to where a rank's note says that it listens.
base::Descriptor CallerOf(const NoteBoard& board, int rank) {
  const std::vector<std::string> words =
      absl::StrSplit(board.Await("address/" + std::to_string(rank)), ' ');
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(words[1], &port));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  EXPECT_EQ(inet_pton(AF_INET, words[0].c_str(), &address.sin_addr), 1);
  base::Descriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fd.Reset();
  return fd;
}

void Say(const base::Descriptor& fd, std::span<const std::byte> bytes) {
  EXPECT_EQ(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

// What would end a process that let Gloo read it: data for a receive that nobody has posted.
std::vector<std::byte> GlooMessage() {
  const std::array<uint64_t, 8> words = {64, 1, 4, 0, 16, 0, 0, 0};
  const auto bytes = std::as_bytes(std::span(words));
  return {bytes.begin(), bytes.end()};
}

TEST(Mesh, StrangersChangeNothing) {
  const NoteBoard board;
  auto first = std::async(std::launch::async, [&] { return ConnectGloo(RankOf(board, 0, 2)); });
  std::vector<base::Descriptor> strangers;
  // Silent ones, more than are listened to at once.
  for (int i = 0; i < 100; ++i) strangers.push_back(CallerOf(board, 0));
  strangers.push_back(CallerOf(board, 0));
  Say(strangers.back(), GlooMessage());
  strangers.push_back(CallerOf(board, 0));
  Say(strangers.back(), std::vector<std::byte>(1000, std::byte{'\n'}));
  // One that knows how ranks greet each other, and who is awaited.
  Identity liar = RankOf(board, 1, 2).self;
  liar.secret = "guessed";
  const Handshake lie = Handshake::Call(liar, 0);
  strangers.push_back(CallerOf(board, 0));
  Say(strangers.back(), lie.to_send());
  Say(strangers.back(), std::vector<std::byte>(32, std::byte{7}));

  const auto second = ConnectGloo(RankOf(board, 1, 2));
  ASSERT_TRUE(second.ok()) << second.status();
  const auto whole = first.get();
  ASSERT_TRUE(whole.ok()) << whole.status();
  // And while the ranks are at work nobody listens any more.
  EXPECT_FALSE(CallerOf(board, 0).valid());
  for (const GroupProperty& property : GroupProperties()) {
    std::thread other([&] { property.run(**second); });
    property.run(**whole);
    other.join();
  }
}

TEST(Mesh, ARankWithoutTheSecretIsNotLetIn) {
  const NoteBoard board;
  MeshOptions with = MeshOf(board, 0, 2);
  with.timeout = std::chrono::milliseconds(500);
  auto first = std::async(std::launch::async, [&] { return ConnectMesh(with).status(); });
  MeshOptions without = MeshOf(board, 1, 2);
  without.self.secret = "known to all of then";
  const absl::Status refused = ConnectMesh(without).status();
  EXPECT_TRUE(absl::IsPermissionDenied(refused)) << refused;
  const absl::Status alone = first.get();
  EXPECT_TRUE(absl::IsUnavailable(alone)) << alone;
  EXPECT_THAT(std::string(alone.message()), testing::HasSubstr("not connected with rank 1"));
}

TEST(Mesh, ConnectingCanBeGivenUp) {
  const NoteBoard board;
  std::atomic<bool> aborted{false};
  MeshOptions options = MeshOf(board, 0, 2);
  options.aborted = [&] { return aborted.load(); };
  auto alone = std::async(std::launch::async, [&] { return ConnectMesh(options).status(); });
  EXPECT_THAT(board.Await("address/0"), testing::StartsWith("127.0.0.1 "));
  aborted = true;
  EXPECT_TRUE(absl::IsAborted(alone.get()));
}

TEST(Mesh, NotesThatFailForAWhileAreTriedAgain) {
  const NoteBoard board;
  std::atomic<int> failures{0};
  const auto flaky = [&](int rank) {
    MeshOptions options = MeshOf(board, rank, 2);
    const Notes notes = options.notes;
    options.notes.put = [notes, &failures, tries = 0](const std::string& key,
                                                      const std::string& value) mutable {
      if (++tries < 3) return ++failures, absl::UnavailableError("the server is away");
      return notes.put(key, value);
    };
    options.notes.get = [notes, &failures, tries = 0](const std::vector<std::string>& keys) mutable
        -> absl::StatusOr<std::map<std::string, std::string>> {
      if (++tries < 3) return ++failures, absl::DeadlineExceededError("the server is slow");
      return notes.get(keys);
    };
    return ConnectMesh(options).status();
  };
  auto first = std::async(std::launch::async, flaky, 0);
  EXPECT_EQ(flaky(1), absl::OkStatus());
  EXPECT_EQ(first.get(), absl::OkStatus());
  EXPECT_EQ(failures, 6);  // rank 0 asks for nobody's note
}

TEST(Mesh, ANoteThatIsRefusedEndsTheMeeting) {
  const NoteBoard board;
  MeshOptions options = MeshOf(board, 0, 2);
  options.notes.put = [](const std::string&, const std::string&) {
    return absl::AbortedError("the meeting is over");
  };
  EXPECT_EQ(ConnectMesh(options).status(), absl::AbortedError("the meeting is over"));
}

TEST(Mesh, ANoteWithoutAnAddressIsAnError) {
  for (const char* note :
       {"", "127.0.0.1", "127.0.0.1 0", "127.0.0.1 65536", "localhost 80", "127.0.0.1 80 80"}) {
    const NoteBoard board;
    ASSERT_EQ(board.notes().put("address/0", note), absl::OkStatus());
    EXPECT_TRUE(absl::IsInternal(ConnectMesh(MeshOf(board, 1, 2)).status())) << note;
  }
}

}  // namespace
}  // namespace gradus::collective
