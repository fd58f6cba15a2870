// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/server/jobs/jobs_fixture.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "engine/base/random.h"
#include "server/store/codec.h"

namespace gradus::jobs {

void JobsFixture::SetUp() {
  StoreFixture::SetUp();
  options_.cpus = {0, 1};
  options_.memory_bytes = 1 << 30;
  options_.attempts_dir = dir_ / "attempts";
  options_.endpoint_file = dir_ / "endpoint";
  StartJobs();
}

void JobsFixture::TearDown() {
  StopJobs();
  StoreFixture::TearDown();
}

JobsParts JobsFixture::Parts() {
  JobsParts parts;
  parts.store = store_.get();
  parts.blobs = blobs_.get();
  parts.events = log_.get();
  parts.executor = &executor_;
  parts.files = &base::RealFiles();
  parts.clock = &clock_;
  parts.random = &base::SystemRandom();
  parts.issue_profile = [](store::Tx&,
                           const executors::RankKey& key) -> absl::StatusOr<v1::Profile> {
    v1::Profile profile;
    profile.set_token(absl::StrCat("token ", key.fence));
    return profile;
  };
  parts.publish = [this](store::Tx&, const v1::Job& job,
                         const v1::RankFinished& finished) -> absl::StatusOr<std::string> {
    if (!publish_error_.empty()) return absl::InternalError(publish_error_);
    published_weights_ = finished.weights_sha256();
    return absl::StrCat(job.spec().publish().model(), "@", ++published_);
  };
  return parts;
}

void JobsFixture::StartJobs() {
  log_ = std::make_unique<events::EventLog>(store_.get(), &clock_);
  auto jobs = Jobs::Start(Parts(), options_);
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  jobs_ = *std::move(jobs);
}

void JobsFixture::StopJobs() {
  jobs_.reset();
  log_.reset();
}

void JobsFixture::Restart() {
  StopJobs();
  CloseStore();
  OpenStore();
  StartJobs();
}

Submission JobsFixture::NewSubmission(int cores, int priority) {
  Submission submission;
  submission.user = "alice";
  submission.request_id = absl::StrCat("request ", ++submissions_);
  submission.spec.set_name("test");
  submission.spec.mutable_resources()->set_cores(cores);
  submission.spec.set_priority(priority);
  submission.spec.mutable_publish()->set_model("net");
  submission.fingerprint = store::Fingerprint(submission.spec);
  submission.memory_bytes = 1 << 20;
  submission.total_epochs = 3;
  submission.steps_per_epoch = 10;
  return submission;
}

v1::Job JobsFixture::Submit(int cores, int priority) {
  const auto job = jobs_->Submit(NewSubmission(cores, priority));
  EXPECT_TRUE(job.ok()) << job.status();
  return job.ok() ? *job : v1::Job();
}

v1::Job JobsFixture::Get(const std::string& id) {
  const auto job = jobs_->Get(id);
  EXPECT_TRUE(job.ok()) << job.status();
  return job.ok() ? *job : v1::Job();
}

v1::Job JobsFixture::AwaitState(const std::string& id, v1::Job::State state) {
  base::Mutex mu;
  base::CondVar changed;
  int wakes = 0;
  auto subscription = log_->Subscribe(id, [&] {
    base::MutexLock lock(mu);
    ++wakes;
    changed.SignalAll();
  });
  while (true) {
    int seen = 0;
    {
      base::MutexLock lock(mu);
      seen = wakes;
    }
    const v1::Job job = Get(id);
    if (job.state() == state) return job;
    base::MutexLock lock(mu);
    if (!changed.WaitFor(mu, std::chrono::seconds(20), [&] { return wakes > seen; })) {
      ADD_FAILURE() << id << " is " << v1::Job::State_Name(job.state()) << ", not "
                    << v1::Job::State_Name(state);
      return job;
    }
  }
}

void JobsFixture::Settle() { jobs_->Settle(); }

PlayedRank JobsFixture::RankOf(const std::string& id, int attempt, int member) {
  return PlayedRank(*jobs_, *blobs_, executor_.AwaitStart(id, attempt, member).key);
}

std::vector<v1::Event> JobsFixture::Events(const std::string& id) {
  const auto page = log_->Read(id, {.limit = 10'000, .max_bytes = 1 << 24});
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? page->events : std::vector<v1::Event>();
}

std::vector<std::string> JobsFixture::States(const std::string& id) {
  std::vector<std::string> states;
  for (const v1::Event& event : Events(id)) {
    if (event.has_state_changed())
      states.push_back(v1::Job::State_Name(event.state_changed().to()));
  }
  return states;
}

}  // namespace gradus::jobs
