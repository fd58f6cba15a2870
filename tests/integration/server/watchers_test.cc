// SPDX-License-Identifier: Apache-2.0
// Two hundred watchers of which half do not read: the others see every event at once, the stalled
// ones cost next to nothing and miss nothing (GUARANTEES.md, G13).
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/server/gradusd.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/history.h"

namespace gradus::test {
namespace {

using test_support::ChaosProxy;
using test_support::StreamHistory;
using test_support::Treatment;
using Stream = grpc::ClientReader<v1::WatchJobResponse>;

// Streams that a connection carries; see the server's limits.
constexpr int kStreams = 50;
constexpr int kHealthy = 2 * kStreams;
constexpr int kStalled = 2 * kStreams;
// Of events, for each watcher: far more than a stalled one may cost, and than all buffers between
// its connection's ends hold.
constexpr int64_t kVolume = 1000 * 2048;
constexpr char kStub[] = "steps=1000,rate=250,text=2048";
constexpr int64_t kMostPerWatcher = 256 << 10;
constexpr int kWindow = 64 << 10;
constexpr int kNoWindow = 64 << 20;

// From /proc/PID/status: "VmRSS" and "VmHWM" in KiB, or "Threads".
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

// Fifty watchers of one job over one connection. They do not read before they are told to.
class Watchers {
 public:
  Watchers(const Gradusd& server, const std::string& job, std::string name,
           const std::shared_ptr<grpc::Channel>& channel)
      : name_(std::move(name)), stub_(v1::JobService::NewStub(channel)) {
    for (int i = 0; i < kStreams; ++i) {
      contexts_.push_back(std::make_unique<Context>(server.TokenOf("ann")));
      streams_.push_back(stub_->WatchJob(contexts_.back().get(), ForJob<v1::WatchJobRequest>(job)));
    }
  }
  ~Watchers() {
    for (const auto& context : contexts_) context->TryCancel();
    AwaitEnd();
    if (unread_) {
      for (const auto& stream : streams_) stream->Finish();
    }
  }

  // Reads each stream to its end, on a thread of its own.
  void StartToRead(StreamHistory& history) {
    unread_ = false;
    for (int i = 0; i < kStreams; ++i) readers_.emplace_back([&, i] { Read(i, history); });
  }
  void AwaitEnd() {
    for (std::thread& reader : readers_) reader.join();
    readers_.clear();
  }

 private:
  void Read(int i, StreamHistory& history) {
    Stream& stream = *streams_[static_cast<size_t>(i)];
    const std::string watcher = absl::StrCat(name_, " ", i);
    history.Opened(watcher, 0);
    v1::WatchJobResponse response;
    while (stream.Read(&response)) {
      for (const v1::Event& event : response.events()) history.Saw(watcher, event);
    }
    const grpc::Status status = stream.Finish();
    EXPECT_TRUE(status.ok()) << watcher << ": " << status.error_message();
  }

  const std::string name_;
  const std::unique_ptr<v1::JobService::Stub> stub_;
  std::vector<std::unique_ptr<Context>> contexts_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::thread> readers_;
  bool unread_ = true;
};

// A client whose streams take `window` bytes that nobody has read, and no more. Left to itself, the
// transport makes windows as large as the network is fast: what nobody reads is taken all the same.
std::shared_ptr<grpc::Channel> ConnectWithWindow(const Gradusd& server, int window,
                                                 const std::string& address = "") {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, window);
  return server.Connect(arguments, address);
}

TEST(Watchers, HalfOfThemStalledTheOthersSeeEveryEvent) {
  Gradusd server({.stub = kStub});
  server.Start();
  const auto proxy = *ChaosProxy::Start(server.AdminProfile().server(), [](int64_t) {
    return Treatment{.half_open_after = {.down = 2 * kVolume}};
  });
  const std::string id = Submit(server, "ann", "r1");
  AwaitState(server, id, {v1::Job::RUNNING});
  const int64_t before_kib = StatusOf(server.pid(), "VmRSS");

  StreamHistory history;
  // The one half is stopped by HTTP/2, the other by its socket, which nobody reads any more.
  Watchers without_reads(server, id, "late", ConnectWithWindow(server, kWindow));
  const Watchers without_socket(server, id, "silent",
                                ConnectWithWindow(server, kNoWindow, proxy->address()));
  Watchers first(server, id, "first", server.Connect());
  Watchers second(server, id, "second", server.Connect());
  first.StartToRead(history);
  second.StartToRead(history);
  const v1::Job job = AwaitState(server, id, {v1::Job::SUCCEEDED, v1::Job::FAILED});
  EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.reason();
  EXPECT_LE(StatusOf(server.pid(), "Threads"), 64);
  first.AwaitEnd();
  second.AwaitEnd();
  EXPECT_EQ(proxy->counts().half_open, 1);
  // At its peak, for all watchers together.
  const int64_t grown = (StatusOf(server.pid(), "VmHWM") - before_kib) * 1024;
#if !defined(GRADUS_SANITIZED)
  // A sanitizer keeps memory that was given back.
  EXPECT_LE(grown, kMostPerWatcher * (kStalled + kHealthy));
#else
  static_cast<void>(grown);
#endif
  EXPECT_EQ(server.Calls("WatchJob", "ann", "OK"), kHealthy) << "nobody else is done";

  // Who reads again, if late, has lost nothing.
  without_reads.StartToRead(history);
  without_reads.AwaitEnd();
  grpc::Status status;
  int64_t volume = 0;
  const std::vector<v1::Event> all = Watch(server, "ann", id, 0, &status);
  for (const v1::Event& event : all) volume += static_cast<int64_t>(event.ByteSizeLong());
  EXPECT_GT(volume, kVolume);
  EXPECT_THAT(history.Check(true, static_cast<int64_t>(all.size())), ::testing::IsEmpty());
}

}  // namespace
}  // namespace gradus::test
