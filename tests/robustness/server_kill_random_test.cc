// SPDX-License-Identifier: Apache-2.0
// gradusd is killed at random moments, again and again, while users submit, cancel and watch:
// nothing that was acknowledged is lost, no rank is replaced, no watcher sees a gap (GUARANTEES.md,
// G1, G10, G12).
#include <atomic>
#include <chrono>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/robustness/job_rules.h"
#include "tests/robustness/living_ranks.h"
#include "tests/robustness/persistent_client.h"
#include "tests/robustness/test_form.h"

namespace gradus::test {
namespace {

using std::chrono::steady_clock;
using ::testing::IsEmpty;

constexpr int64_t kSteps = 20;

class Users {
 public:
  explicit Users(const Gradusd& server) : server_(server) {}

  // Each of them trains one job after the other and watches it to its end.
  void Train(const std::string& user) {
    threads_.emplace_back([this, user] {
      PersistentClient client(server_, user, Nap);
      for (int i = 0; !over_; ++i) {
        const std::string id = client.Submit(absl::StrCat("train-", i), TinyJob(), submits_);
        test_support::StreamHistory stream;
        const std::vector<v1::Event> events = client.Watch(id, stream, [this] { ++events_; });
        EXPECT_THAT(stream.Check(true, events.empty() ? 0 : events.back().seq()), IsEmpty()) << id;
        EXPECT_THAT(CheckSteps(events, kSteps), IsEmpty()) << id;
        EXPECT_EQ(client.Get(id).state(), v1::Job::SUCCEEDED) << client.Get(id).reason();
      }
    });
  }

  // Submits as fast as the server answers, and cancels at once.
  void SubmitAndCancel(const std::string& user) {
    threads_.emplace_back([this, user] {
      PersistentClient client(server_, user, Nap);
      v1::JobSpec spec = TinyJob();
      spec.set_priority(-1);  // never before those that train
      for (int i = 0; !over_; ++i) {
        const std::string id = client.Submit(absl::StrCat("cancel-", i), spec, submits_);
        v1::CancelJobResponse cancelled;
        const grpc::Status status =
            client.Call(&v1::JobService::Stub::CancelJob,
                        ForJob<v1::CancelJobRequest>(id, absl::StrCat("c-", i)), &cancelled);
        // It may have been so short that it is over.
        EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::FAILED_PRECONDITION)
            << status.error_message();
        ++cancelled_;
      }
    });
  }

  void Finish() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  // Events that watchers have seen so far.
  uint64_t events() const { return events_; }
  int cancelled() const { return cancelled_; }
  const test_support::SubmitHistory& submits() const { return submits_; }

 private:
  const Gradusd& server_;
  test_support::SubmitHistory submits_;
  std::atomic<bool> over_{false};
  std::atomic<uint64_t> events_{0};
  std::atomic<int> cancelled_{0};
  std::vector<std::thread> threads_;
};

// A random moment of the work: some events after now, and a little later. Where there is no work to
// be seen, because ranks have not come back yet, a while from now.
void AwaitRandomMoment(const Users& users, std::mt19937_64& random) {
  const auto latest = steady_clock::now() + std::chrono::seconds(3);
  const uint64_t event = users.events() + random() % 40;
  while (users.events() < event && steady_clock::now() < latest) Nap();
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
}

TEST(ServerKillRandom, NothingPromisedIsLost) {
  std::mt19937_64 random(FormNumber("GRADUS_SEED", std::random_device()()));
  const uint64_t kills = FormNumber("GRADUS_KILLS", 20);
  Gradusd server({.stub = absl::StrCat("steps=", kSteps, ",rate=100,save=7")});
  server.Start();
  Users users(server);
  for (const char* user : {"ann", "bob"}) users.Train(user);
  users.SubmitAndCancel("admin");
  std::set<std::string> lived;
  for (uint64_t i = 0; i < kills; ++i) {
    AwaitRandomMoment(users, random);
    server.Kill();
    for (const auto& [rank, pid] : LivingRanks(server.dir())) lived.insert(rank);
    server.Spawn();
  }
  server.Kill();
  server.Start();
  users.Finish();

  PersistentClient admin(server, "admin", Nap);
  std::set<std::string> jobs;
  for (const v1::Job& job : admin.List()) {
    jobs.insert(job.id());
    EXPECT_TRUE(job.has_finished_at()) << job.id();
    for (const std::string& rank : lived) {
      if (!rank.starts_with(job.id())) continue;
      EXPECT_EQ(absl::StrCat(job.id(), "-", job.attempt()), rank) << "replaced though it lived";
    }
  }
  std::printf("%zu jobs, %d of them cancelled, %zu times a rank outlived the server\n", jobs.size(),
              users.cancelled(), lived.size());
  EXPECT_THAT(users.submits().Check(jobs), IsEmpty());
  admin.Disconnect();
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_THAT(server.Verify(), IsEmpty());
  EXPECT_THAT(LivingRanks(server.dir()), IsEmpty());
}

}  // namespace
}  // namespace gradus::test
