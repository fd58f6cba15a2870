// SPDX-License-Identifier: Apache-2.0
// Two hundred watchers of which half never read: the others see every event, and the stalled ones
// cost next to nothing.
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/server/gradusd.h"
#include "tests/support/history.h"

namespace gradus::test {
namespace {

constexpr int kHealthy = 100;
constexpr int kStalled = 100;
// Streams a connection carries at once; see the server's limits.
constexpr int kStreamsPerConnection = 50;

// From /proc/PID/status: "VmRSS" in KiB, or "Threads".
int64_t StatusOf(pid_t pid, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (file >> word) {
    if (word == key + ":") {
      int64_t value = 0;
      file >> value;
      return value;
    }
  }
  return -1;
}

TEST(Watchers, HalfOfThemStalledTheOthersSeeEveryEvent) {
  Gradusd server({.stub = "steps=3000,rate=600"});
  server.Start();
  const std::string id = Submit(server, "ann", "r1");
  AwaitState(server, id, {v1::Job::RUNNING});
  const int64_t before = StatusOf(server.pid(), "VmRSS");

  std::vector<std::shared_ptr<grpc::Channel>> connections;
  std::vector<std::unique_ptr<Context>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>>> stalled;
  for (int i = 0; i < kStalled; ++i) {
    if (i % kStreamsPerConnection == 0) connections.push_back(server.Connect());
    contexts.push_back(std::make_unique<Context>(server.TokenOf("ann")));
    stalled.push_back(v1::JobService::NewStub(connections.back())
                          ->WatchJob(contexts.back().get(), ForJob<v1::WatchJobRequest>(id)));
  }

  test_support::StreamHistory history;
  std::vector<std::thread> readers;
  std::vector<std::shared_ptr<grpc::Channel>> own;
  for (int i = 0; i < kHealthy; ++i) {
    if (i % kStreamsPerConnection == 0) own.push_back(server.Connect());
    readers.emplace_back([&, i, channel = own.back()] {
      Context context(server.TokenOf("ann"));
      const auto stub = v1::JobService::NewStub(channel);
      const auto stream = stub->WatchJob(&context, ForJob<v1::WatchJobRequest>(id));
      const std::string watcher = std::to_string(i);
      history.Opened(watcher, 0);
      v1::WatchJobResponse response;
      while (stream->Read(&response)) {
        for (const v1::Event& event : response.events()) history.Saw(watcher, event);
      }
      EXPECT_TRUE(stream->Finish().ok());
    });
  }
  EXPECT_EQ(AwaitState(server, id, {v1::Job::SUCCEEDED}).state(), v1::Job::SUCCEEDED);
  EXPECT_LE(StatusOf(server.pid(), "Threads"), 64);
  for (std::thread& reader : readers) reader.join();
  const int64_t grown_kib = StatusOf(server.pid(), "VmRSS") - before;
  EXPECT_LE(grown_kib, int64_t{256} * (kStalled + kHealthy)) << "KiB for all watchers together";

  grpc::Status status;
  const auto last = static_cast<int64_t>(Watch(server, "ann", id, 0, &status).size());
  EXPECT_THAT(history.Check(true, last), ::testing::IsEmpty());
  for (auto& context : contexts) context->TryCancel();
  for (auto& stream : stalled) stream->Finish();
}

}  // namespace
}  // namespace gradus::test
