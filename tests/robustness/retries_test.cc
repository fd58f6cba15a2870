// SPDX-License-Identifier: Apache-2.0
// Answers to submissions get lost, by the network or with the server, and clients ask again: each
// submission makes exactly one job (GUARANTEES.md, G1, G2).
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gradus/client.h"
#include "gtest/gtest.h"
#include "tests/integration/server/gradusd.h"
#include "tests/robustness/test_form.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/history.h"

namespace gradus::test {
namespace {

using test_support::ChaosCounts;
using test_support::ChaosProxy;
using test_support::SubmitHistory;
using test_support::Treatment;

constexpr int kClients = 20;
constexpr int kDropEvery = 3;
constexpr int kJobsPerKill = 100;
constexpr int kKills = 3;

// A long run has 10,000.
int Jobs() {
  static const auto jobs = static_cast<int>(FormNumber("GRADUS_RETRIES_JOBS", 1000));
  return jobs;
}

Treatment DropEvery(int64_t n) { return {.drop_every = n}; }

// A server whose one core is taken, so that what ann submits waits; and a proxy before it.
class Retries : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.Start();
    AwaitState(server_, Submit(server_, "bob", "keeps the core"), {v1::Job::RUNNING});
    proxy_ = *ChaosProxy::Start(server_.ProfileOf("ann").server());
  }

  // The rank that keeps the core is told to leave; what the server leaves behind must be sound.
  void TearDown() override {
    EXPECT_EQ(server_.Stop(), 0);
    EXPECT_THAT(server_.Verify(), ::testing::IsEmpty());
  }

  // Through the proxy. However long an attempt takes on a busy machine, it is not given up: only
  // what the test does makes clients try again.
  Client Ann() const {
    v1::Profile profile = server_.ProfileOf("ann");
    profile.set_server(proxy_->address());
    return *Client::Connect(profile, {.deadline = absl::Minutes(5),
                                      .attempt = absl::Minutes(4),
                                      .first_wait = absl::Milliseconds(5),
                                      .longest_wait = absl::Milliseconds(200)});
  }

  // All clients together submit `jobs` jobs, each by a name of its own.
  void SubmitAll(int jobs) {
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i)
      clients.emplace_back([this, i, mine = jobs / kClients] { SubmitSome(i, mine); });
    for (std::thread& client : clients) client.join();
  }

  void SubmitSome(int number, int jobs) {
    const Client client = Ann();
    for (int i = 0; i < jobs; ++i) {
      // The library makes a request_id for each submission; here the name stands for it.
      const std::string name = absl::StrCat("job-", number, "-", i);
      history_.Sent("ann", name);
      const absl::StatusOr<v1::Job> job = client.SubmitJob(TinyJob(name));
      ASSERT_TRUE(job.ok()) << job.status();
      EXPECT_EQ(job->name(), name) << "the answer to another submission";
      history_.Acknowledged("ann", name, job->id());
    }
  }

  // Exactly these many jobs, each acknowledged under its own name.
  void ExpectOneJobAName(int jobs) const {
    const auto listed = Client::Connect(server_.ProfileOf("ann"))->ListJobs(2 * jobs);
    ASSERT_TRUE(listed.ok()) << listed.status();
    std::set<std::string> ids, names;
    for (const v1::Job& job : *listed) {
      ids.insert(job.id());
      names.insert(job.name());
    }
    EXPECT_EQ(static_cast<int>(listed->size()), jobs);
    EXPECT_EQ(static_cast<int>(ids.size()), jobs);
    EXPECT_EQ(static_cast<int>(names.size()), jobs);
    EXPECT_THAT(history_.Check(ids), ::testing::IsEmpty());
  }

  Gradusd server_{{.stub = "steps=1000000,rate=1",
                   .settings = "cores: 1\nmax_open_jobs: 100000\n"
                               "write_burst: 1000000\nwrites_per_second: 1000000"}};
  std::unique_ptr<ChaosProxy> proxy_;
  SubmitHistory history_;
};

TEST_F(Retries, EveryThirdAnswerIsLostAndEachSubmissionMakesOneJob) {
  proxy_->SetPlan([](int64_t) { return DropEvery(kDropEvery); });
  SubmitAll(Jobs());
  ExpectOneJobAName(Jobs());
  // What was lost were answers to submissions that had succeeded: the server answered so many more
  // than there are jobs.
  const ChaosCounts counts = proxy_->counts();
  EXPECT_EQ(server_.Calls("SubmitJob", "ann", "OK"), counts.answers);
  EXPECT_EQ(counts.answers, Jobs() + counts.dropped);
  EXPECT_EQ(counts.dropped, counts.answers / kDropEvery);
}

TEST_F(Retries, AKeyWhoseAnswerWasLostTakesNoOtherPayload) {
  proxy_->SetPlan([](int64_t) { return DropEvery(1); });
  const Client client = Ann();
  v1::SubmitJobRequest first;
  first.set_request_id("the key");
  *first.mutable_spec() = TinyJob("first");
  v1::SubmitJobResponse response;
  const auto submit = [&](const v1::SubmitJobRequest& request) {
    return client.connection().SubmitJob(request, &response, {absl::Now() + absl::Minutes(1)});
  };
  EXPECT_EQ(submit(first).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(proxy_->counts().dropped, 1);

  proxy_->SetPlan({});
  v1::SubmitJobRequest other = first;
  *other.mutable_spec() = TinyJob("other");
  EXPECT_EQ(submit(other).code(), absl::StatusCode::kAlreadyExists);
  const absl::Status again = submit(first);
  EXPECT_TRUE(again.ok()) << again;
  EXPECT_EQ(response.job().name(), "first");
  history_.Sent("ann", "first");
  history_.Acknowledged("ann", "first", response.job().id());
  ExpectOneJobAName(1);
}

class RetriesOverKills : public Retries, public ::testing::WithParamInterface<const char*> {};

// The server dies between a commit and its answer, again and again, while answers get lost, too.
TEST_P(RetriesOverKills, EachSubmissionMakesOneJob) {
  const auto start = [this](const std::string& failpoints) {
    ASSERT_TRUE(server_.TryStart({{"GRADUS_FAILPOINTS", failpoints}})) << server_.Log();
    proxy_->SetTarget(server_.ProfileOf("ann").server());
  };
  proxy_->SetPlan([](int64_t) { return DropEvery(kDropEvery); });
  server_.Kill();
  start(GetParam());
  std::thread clients([this] { SubmitAll(kKills * kJobsPerKill); });
  for (int kill = 1; kill <= kKills; ++kill) {
    EXPECT_EQ(server_.Await(), -1) << "kill " << kill << " did not come";
    start(kill < kKills ? GetParam() : "");
  }
  clients.join();
  ExpectOneJobAName(kKills * kJobsPerKill);
  EXPECT_GT(proxy_->counts().dropped, 0);
}

INSTANTIATE_TEST_SUITE_P(BetweenCommitAndAnswer, RetriesOverKills,
                         ::testing::Values("jobs.submit.after_commit=kill@60",
                                           "store.after_commit=kill@60"),
                         [](const auto& kill) {
                           return kill.index == 0 ? "OfASubmission" : "OfAnything";
                         });

}  // namespace
}  // namespace gradus::test
