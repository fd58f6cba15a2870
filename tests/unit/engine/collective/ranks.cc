// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/engine/collective/ranks.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace gradus::collective {
namespace {

std::string PathOf(const std::string& dir, const std::string& key) {
  return absl::StrCat(dir, "/", absl::StrReplaceAll(key, {{"/", "_"}}));
}

std::optional<std::string> Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

Notes NoteBoard::notes() const {
  const std::string dir = dir_.path();
  return {.put =
              [dir](const std::string& key, const std::string& value) {
                const std::string path = PathOf(dir, key);
                const std::string part = absl::StrCat(path, ".", getpid(), ".part");
                std::ofstream(part, std::ios::binary) << value;
                return std::rename(part.c_str(), path.c_str()) == 0
                           ? absl::OkStatus()
                           : absl::InternalError("a note was not left");
              },
          .get = [dir](const std::vector<std::string>& keys)
              -> absl::StatusOr<std::map<std::string, std::string>> {
            std::map<std::string, std::string> found;
            for (const std::string& key : keys)
              if (auto value = Read(PathOf(dir, key))) found[key] = *std::move(value);
            return found;
          }};
}

std::string NoteBoard::Await(const std::string& key) const {
  while (true) {
    if (auto value = Read(PathOf(dir_.path(), key))) return *std::move(value);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

GlooOptions RankOf(const NoteBoard& board, int rank, int size) {
  std::signal(SIGPIPE, SIG_IGN);
  return {.self = {.generation = 7, .rank = rank, .size = size, .secret = "known to all of them"},
          .network = "127.0.0.1",
          .notes = board.notes(),
          .connect_timeout = std::chrono::seconds(60)};
}

void WithRanks(int size, const std::function<void(Group& group)>& body) {
  const NoteBoard board;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      const auto group = ConnectGloo(RankOf(board, rank, size));
      ASSERT_TRUE(group.ok()) << group.status();
      body(**group);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

pid_t InProcess(const std::function<void()>& body) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent) body();
  _exit(testing::Test::HasFailure() ? 1 : 0);
}

}  // namespace gradus::collective
