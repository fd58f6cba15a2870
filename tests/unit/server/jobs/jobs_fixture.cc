// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/server/jobs/jobs_fixture.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "engine/base/random.h"
#include "server/store/codec.h"

namespace gradus::jobs {

absl::Status PlayedRank::Attach(bool reattached) {
  v1::Hello hello;
  hello.set_job_id(key_.job);
  hello.set_attempt(key_.attempt);
  hello.set_fence(key_.fence);
  hello.set_reattached(reattached);
  ASSIGN_OR_RETURN(AttachReply reply,
                   jobs_.Attach(hello, [inbox = inbox_](v1::Command::Action action) {
                     base::MutexLock lock(inbox->mu);
                     inbox->commands.push_back(action);
                     inbox->arrived.SignalAll();
                   }));
  attachment_ = std::move(reply.attachment);
  if (reply.assignment.has_value()) assignment_ = std::move(reply.assignment);
  acked_ = reply.acked;
  next_seq_ = acked_ + 1;
  return absl::OkStatus();
}

v1::Command::Action PlayedRank::AwaitCommand() {
  base::MutexLock lock(inbox_->mu);
  const bool came = inbox_->arrived.WaitFor(inbox_->mu, std::chrono::seconds(20),
                                            [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(inbox_->mu) {
                                              return inbox_->commands.size() > inbox_->taken;
                                            });
  return came ? inbox_->commands[inbox_->taken++] : v1::Command::ACTION_UNSPECIFIED;
}

size_t PlayedRank::commands() const {
  base::MutexLock lock(inbox_->mu);
  return inbox_->commands.size();
}

absl::StatusOr<int64_t> PlayedRank::Send(v1::WorkerEvent event) {
  if (event.worker_seq() == 0) event.set_worker_seq(next_seq_);
  v1::EventBatch batch;
  *batch.add_events() = std::move(event);
  ASSIGN_OR_RETURN(acked_, jobs_.Report(key_, batch));
  next_seq_ = acked_ + 1;
  return acked_;
}

absl::StatusOr<int64_t> PlayedRank::Progress(int64_t step) {
  v1::WorkerEvent event;
  event.mutable_event()->mutable_progress()->set_step(step);
  return Send(std::move(event));
}

absl::StatusOr<int64_t> PlayedRank::Epoch(int64_t epoch, double loss, double accuracy) {
  v1::WorkerEvent event;
  v1::EpochFinished& finished = *event.mutable_event()->mutable_epoch_finished();
  finished.set_epoch(epoch);
  finished.set_step((epoch + 1) * 10);
  (*finished.mutable_metrics())["loss"] = loss;
  (*finished.mutable_metrics())["accuracy"] = accuracy;
  finished.set_samples_per_second(1000);
  return Send(std::move(event));
}

absl::StatusOr<int64_t> PlayedRank::Checkpoint(const std::string& content, int64_t step) {
  v1::WorkerEvent event;
  ASSIGN_OR_RETURN(*event.mutable_checkpoint_ready()->mutable_blob(),
                   blobs_.Put(base::AsBytes(content)));
  event.mutable_checkpoint_ready()->set_step(step);
  return Send(std::move(event));
}

absl::StatusOr<int64_t> PlayedRank::Finish(v1::RankFinished::Outcome outcome,
                                           const std::string& reason) {
  v1::WorkerEvent event;
  event.mutable_finished()->set_outcome(outcome);
  event.mutable_finished()->set_reason(reason);
  if (outcome == v1::RankFinished::DONE) {
    ASSIGN_OR_RETURN(*event.mutable_finished()->mutable_weights(),
                     blobs_.Put(base::AsBytes(absl::StrCat("weights of ", key_.job))));
    event.mutable_finished()->set_weights_sha256("abc");
  }
  return Send(std::move(event));
}

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

void JobsFixture::StartJobs() {
  log_ = std::make_unique<events::EventLog>(store_.get(), &clock_);
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
                         const v1::RankFinished&) -> absl::StatusOr<std::string> {
    if (!publish_error_.empty()) return absl::InternalError(publish_error_);
    return absl::StrCat(job.spec().publish().model(), "@", ++published_);
  };
  auto jobs = Jobs::Start(parts, options_);
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

PlayedRank JobsFixture::RankOf(const std::string& id, int attempt) {
  return PlayedRank(*jobs_, *blobs_, executor_.AwaitStart(id, attempt).key);
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
