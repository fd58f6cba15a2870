// SPDX-License-Identifier: Apache-2.0
// Streams whose connections are cut or fall silent, again and again: watchers see every event once
// (GUARANTEES.md, G12), uploads and fetches go on where they were (G15), and what a dead connection
// held is freed at both of its ends (G14).
#include <thread>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "gmock/gmock.h"
#include "gradus/client.h"
#include "gradus/data_push.h"
#include "gradus/model_fetch.h"
#include "gradus/watch.h"
#include "gtest/gtest.h"
#include "tests/integration/server/gradusd.h"
#include "tests/robustness/test_form.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/history.h"
#include "tests/support/idx_files.h"

namespace gradus::test {
namespace {

using test_support::ChaosProxy;
using test_support::StreamHistory;
using test_support::Treatment;

constexpr int kWatchers = 4;
constexpr int kRows = 10'000;
constexpr int64_t kMebi = 1 << 20;

// Steps of the job that is watched; each makes an event. A long run has 30,000.
int Steps() {
  static const auto steps = static_cast<int>(FormNumber("GRADUS_WATCHED_STEPS", 4000));
  return steps;
}

std::unique_ptr<ChaosProxy> ProxyOf(const Gradusd& server, ChaosProxy::Plan plan = {}) {
  return *ChaosProxy::Start(server.AdminProfile().server(), std::move(plan));
}

// Ann, directly or through a proxy, with a connection of its own.
Client Ann(const Gradusd& server, const ChaosProxy* proxy = nullptr) {
  v1::Profile profile = server.ProfileOf("ann");
  if (proxy != nullptr) profile.set_server(proxy->address());
  return *Client::Connect(
      profile, {.first_wait = absl::Milliseconds(5), .longest_wait = absl::Milliseconds(100)});
}

// What seven of eight connections pass is little more than a handshake; the eighth lets the largest
// page of events through, so that nobody stays where they are for ever.
Treatment CutSoon(int64_t connection) {
  constexpr int64_t kHandshake = 4000;
  constexpr int64_t kPage = 64 << 10;
  const int64_t bytes = connection % 8 == 7 ? kPage : connection * 977 % 8000;
  return {.cut_after = {.down = kHandshake + bytes}};
}

TEST(BrokenStreams, WatchersSeeEveryEventOnceWhateverIsCut) {
  Gradusd server({.stub = absl::StrCat("rate=1000,steps=", Steps())});
  server.Start();
  const auto proxy = ProxyOf(server, CutSoon);
  const std::string id = Submit(server, "ann", "r1");
  StreamHistory history;
  std::vector<std::thread> watchers;
  for (int i = 0; i < kWatchers; ++i) {
    watchers.emplace_back([&, watcher = std::to_string(i)] {
      history.Opened(watcher, 0);
      const absl::Status status =
          WatchJob(Ann(server, proxy.get()), id, {}, [&](const v1::Event& event) {
            history.Saw(watcher, event);
            return absl::OkStatus();
          });
      EXPECT_TRUE(status.ok()) << status;
    });
  }
  for (std::thread& watcher : watchers) watcher.join();
  grpc::Status status;
  const auto last = static_cast<int64_t>(Watch(server, "ann", id, 0, &status).size());
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_GT(last, Steps());
  EXPECT_THAT(history.Check(true, last), ::testing::IsEmpty());
  EXPECT_GE(proxy->counts().cut, Steps() / 80);
}

// Files of a dataset of some MiB, whose values are `values`.
class Upload {
 public:
  Upload() {
    for (size_t i = 0; i < values_.size(); ++i)
      values_[i] = static_cast<char>(i * 2654435761U >> 13);
    Write("x", test_support::IdxFile(0x08, {kRows, 28, 28}, values_));
    Write("y", test_support::IdxFile(0x08, {kRows}, std::string(kRows, '\1')));
  }

  absl::StatusOr<v1::Dataset> PushAs(const std::string& name, const Client& client) const {
    return PushDataset(client, name, {{dir_ / "x", "train", "x"}, {dir_ / "y", "train", "y"}});
  }
  std::string ValuesDigest() const { return base::Sha256Hex(std::string_view(values_)); }

 private:
  void Write(const std::string& name, const std::string& bytes) {
    EXPECT_TRUE(base::WriteFileAtomically(base::RealFiles(), dir_ / name, bytes).ok());
  }

  const test_support::TempDir dir_;
  std::string values_ = std::string(size_t{kRows} * 28 * 28, '\0');
};

// That the dataset holds what was sent.
void ExpectHolds(const absl::StatusOr<v1::Dataset>& dataset, const Upload& upload) {
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  ASSERT_EQ(dataset->splits_size(), 1);
  EXPECT_EQ(dataset->splits(0).rows(), kRows);
  ASSERT_EQ(dataset->splits(0).columns_size(), 2);
  EXPECT_EQ(dataset->splits(0).columns(0).name(), "x");
  EXPECT_EQ(dataset->splits(0).columns(0).blob().sha256(), upload.ValuesDigest());
}

TEST(BrokenStreams, AnUploadGoesOnWhereItWasCut) {
  Gradusd server({.worker = "gradus-worker"});
  server.Start();
  const Upload upload;
  // Less than the file is: only who goes on ever comes to its end.
  const auto proxy =
      ProxyOf(server, [](int64_t) { return Treatment{.cut_after = {.up = 2 * kMebi}}; });
  ExpectHolds(upload.PushAs("cut", Ann(server, proxy.get())), upload);
  EXPECT_GE(proxy->counts().cut, 3);
}

// Publishes a model of some 16 MiB as "big@1".
void PublishBigModel(Gradusd& server) {
  v1::JobSpec spec = TinyJob();
  spec.mutable_model()->clear_layers();
  for (const int64_t units : {2048, 2048, 2})
    spec.mutable_model()->add_layers()->mutable_dense()->set_units(units);
  spec.mutable_fit()->set_epochs(0);
  spec.mutable_publish()->set_model("big");
  const v1::Job job = AwaitState(server, Submit(server, "ann", "publishes", spec),
                                 {v1::Job::SUCCEEDED, v1::Job::FAILED});
  ASSERT_EQ(job.state(), v1::Job::SUCCEEDED) << job.reason();
}

// Fetches "big" into a folder of its own; the bytes of its weights.
std::string FetchBig(const Client& client) {
  const test_support::TempDir dir;
  const absl::StatusOr<v1::Model> model = FetchModel(client, "big", dir.path());
  EXPECT_TRUE(model.ok()) << model.status();
  return base::ReadFile(base::RealFiles(), dir / "weights.safetensors", 64 * kMebi).value_or("");
}

TEST(BrokenStreams, AFetchGoesOnWhereItWasCut) {
  Gradusd server({.worker = "gradus-worker"});
  server.Start();
  PublishBigModel(server);
  const auto proxy =
      ProxyOf(server, [](int64_t) { return Treatment{.cut_after = {.down = 3 * kMebi}}; });
  const std::string fetched = FetchBig(Ann(server, proxy.get()));
  EXPECT_GT(fetched.size(), static_cast<size_t>(16 * kMebi));
  EXPECT_TRUE(fetched == FetchBig(Ann(server)));
  EXPECT_GE(proxy->counts().cut, 5);
}

// The first connection falls silent, the others are sound.
ChaosProxy::Plan SilentOnceAfter(const test_support::ByteMark& mark) {
  return [mark](int64_t connection) {
    return connection == 0 ? Treatment{.half_open_after = mark} : Treatment();
  };
}

// This and the next take the half minute that the pings of both ends take.
TEST(SilentConnections, UploadsAndFetchesGoOnAndTheServerFreesWhatTheyHeld) {
  Gradusd server({.worker = "gradus-worker"});
  server.Start();
  PublishBigModel(server);
  const Upload upload;
  const auto upload_proxy = ProxyOf(server, SilentOnceAfter({.up = 3 * kMebi}));
  const auto fetch_proxy = ProxyOf(server, SilentOnceAfter({.down = 5 * kMebi}));
  std::thread pushes(
      [&] { ExpectHolds(upload.PushAs("silent", Ann(server, upload_proxy.get())), upload); });
  EXPECT_TRUE(FetchBig(Ann(server, fetch_proxy.get())) == FetchBig(Ann(server)));
  pushes.join();
  EXPECT_EQ(upload_proxy->counts().half_open, 1);
  EXPECT_EQ(fetch_proxy->counts().half_open, 1);
  // The dead streams: one had more to send, the other was waiting for bytes that others sent later.
  EXPECT_TRUE(AwaitCalls(server, "FetchModel", "ann", "CANCELLED", 1));
  EXPECT_TRUE(AwaitCalls(server, "AppendUpload", "ann", "ABORTED", 1));
}

TEST(SilentConnections, CallsAndWatchersGoOnAndTheServerFreesWhatTheyHeld) {
  Gradusd server({.stub = "rate=1,steps=1000000", .settings = "cores: 1"});
  server.Start();
  AwaitState(server, Submit(server, "bob", "keeps the core"), {v1::Job::RUNNING});
  const std::string cancelled = Submit(server, "ann", "r1");
  const std::string waiting = Submit(server, "ann", "r2");
  const auto call_proxy = ProxyOf(server);
  const auto watch_proxy = ProxyOf(server);
  const auto quiet_proxy = ProxyOf(server);
  std::stop_source stop;
  std::vector<std::thread> clients;
  clients.emplace_back([&] {
    const Client client = Ann(server, call_proxy.get());
    EXPECT_TRUE(client.WhoAmI().ok());
    call_proxy->HalfOpenAll();
    const absl::Status status = client.GetJob(waiting).status();
    EXPECT_TRUE(status.ok()) << "within the deadline of one call: " << status;
  });
  // One watcher has something to see once its first connection is dead, the other never has.
  clients.emplace_back([&] {
    const Client client = Ann(server, watch_proxy.get());
    std::vector<int64_t> seen;
    const absl::Status status = WatchJob(client, cancelled, {}, [&](const v1::Event& event) {
      seen.push_back(event.seq());
      if (event.seq() > 1) return absl::OkStatus();
      watch_proxy->HalfOpenAll();
      return Ann(server).CancelJob(cancelled).status();
    });
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_THAT(seen, ::testing::ElementsAre(1, 2));
  });
  clients.emplace_back([&] {
    const Client client = Ann(server, quiet_proxy.get()).WithStop(stop.get_token());
    const absl::Status status = WatchJob(client, waiting, {}, [&](const v1::Event&) {
      quiet_proxy->HalfOpenAll();
      return absl::OkStatus();
    });
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  });
  // The quiet watcher's first stream: no client can have told the server that it is gone.
  EXPECT_TRUE(AwaitCalls(server, "WatchJob", "ann", "CANCELLED", 1));
  stop.request_stop();
  for (std::thread& client : clients) client.join();
}

}  // namespace
}  // namespace gradus::test
