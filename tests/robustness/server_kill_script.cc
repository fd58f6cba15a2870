// SPDX-License-Identifier: Apache-2.0
#include "tests/robustness/server_kill_script.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/blobs.h"
#include "tests/robustness/job_rules.h"
#include "tests/robustness/living_ranks.h"

namespace gradus::test {
namespace {

using ::testing::IsEmpty;

constexpr int64_t kForEver = 100'000;  // epochs

v1::JobSpec LongJob(const std::string& name) {
  v1::JobSpec spec = TinyJob(name);
  spec.mutable_fit()->set_epochs(kForEver);
  return spec;
}

std::string RankOf(const v1::Job& job) { return absl::StrCat(job.id(), "-", job.attempt()); }

bool IsTraining(const v1::Job& job) { return job.state() == v1::Job::RUNNING && job.step() > 0; }

constexpr char kForgotten[] = "forgotten";

std::string ForgottenPath(const Gradusd& server) {
  const std::string sha256 = base::Sha256Hex(std::string_view(kForgotten));
  return absl::StrCat(server / "blobs/sha256/", sha256.substr(0, 2), "/", sha256.substr(2));
}

// A blob that nobody names, marked long ago: the next collection removes it.
void AddForgottenBlob(const Gradusd& server) {
  base::Files& files = base::RealFiles();
  const auto store = store::Store::Open(
      {.path = server / "gradus.db", .files = &files, .clock = &base::RealClock()});
  ASSERT_TRUE(store.ok()) << store.status();
  const auto blobs =
      store::BlobStore::Open(store->get(), &files, &base::RealClock(), server / "blobs");
  ASSERT_TRUE(blobs.ok()) << blobs.status();
  const auto ref = (*blobs)->Put(base::AsBytes(kForgotten));
  ASSERT_TRUE(ref.ok()) << ref.status();
  const absl::Status marked = (*store)->Write([&](store::Tx& tx) {
    return tx.Execute("UPDATE blobs SET marked_at = 1 WHERE sha256 = :sha", ref->sha256());
  });
  ASSERT_TRUE(marked.ok()) << marked;
}

}  // namespace

KillScript::KillScript(const KillOptions& options)
    : options_(options),
      server_({.stub = absl::StrCat("steps=", options_.steps, ",rate=150,save=15"),
               .prepared = false}) {}

KillScript::~KillScript() {
  if (watcher_.joinable()) watcher_.join();
}

void KillScript::Run() {
  const Environment armed = armed_;
  if (options_.at_restart) armed_.clear();
  Start();
  admin_ = std::make_unique<PersistentClient>(server_, "admin", [this] { LookAfter(); });
  for (const Act act : Acts()) {
    if (act == &KillScript::Restart) armed_ = armed;
    if (deaths_ > 0 && !options_.to_the_end) break;
    (this->*act)();
    if (::testing::Test::HasFailure()) return;
  }
  Finish();
}

std::vector<KillScript::Act> KillScript::Acts() const {
  if (options_.only_kept) return {};
  std::vector<Act> acts = {&KillScript::Push, &KillScript::SubmitKept, &KillScript::SubmitLong};
  if (options_.at_restart) acts.push_back(&KillScript::Restart);
  acts.insert(acts.end(),
              {&KillScript::LoseRank, &KillScript::PauseAndResume, &KillScript::KeptEnds,
               &KillScript::RunOutOfTime, &KillScript::Drain, &KillScript::Collect});
  return acts;
}

void KillScript::Start() {
  if (server_.TryStart(armed_)) return;
  died_starting_ = true;
  Revive();
}

// After a death that nobody but the fault caused.
void KillScript::Revive() {
  ++deaths_;
  EXPECT_EQ(server_.Await(), options_.ending) << server_.Log();
  for (const auto& [rank, pid] : LivingRanks(server_.dir())) lived_.insert(rank);
  armed_.clear();
  server_.Start();
}

void KillScript::LookAfter() {
  if (server_.HasEnded()) {
    Revive();
  } else {
    Nap();
  }
}

void KillScript::Push() {
  const grpc::Status pushed = admin_->PushTiny();
  ASSERT_TRUE(pushed.ok()) << pushed.error_message();
  pushed_ = true;
}

void KillScript::SubmitKept() {
  v1::JobSpec kept = TinyJob("kept");
  kept.mutable_publish()->set_model("kept");
  kept_ = admin_->Submit("kept", kept, submits_);
  // Looked after by the script's own thread.
  watcher_ = std::thread([this, client = PersistentClient(server_, "admin", Nap)]() mutable {
    seen_ = client.Watch(kept_, stream_);
    watched_ = true;
  });
  admin_->Await(kept_, IsTraining);
}

void KillScript::SubmitLong() {
  long_ = admin_->Submit("long", LongJob("long"), submits_);
  admin_->Await(long_, IsTraining);
}

void KillScript::Restart() {
  for (const auto& [rank, pid] : LivingRanks(server_.dir())) lived_.insert(rank);
  server_.Kill();
  Start();
}

void KillScript::LoseRank() {
  const v1::Job before = admin_->Await(long_, IsTraining);
  const auto ranks = LivingRanks(server_.dir());
  const auto rank = ranks.find(RankOf(before));
  ASSERT_NE(rank, ranks.end());
  kill(rank->second, SIGKILL);
  admin_->Await(long_, [&](const v1::Job& job) {
    return job.attempt() > before.attempt() && IsTraining(job);
  });
}

void KillScript::PauseAndResume() {
  v1::PauseJobResponse paused;
  EXPECT_TRUE(admin_
                  ->Call(&v1::JobService::Stub::PauseJob,
                         ForJob<v1::PauseJobRequest>(long_, "pause"), &paused)
                  .ok());
  admin_->AwaitState(long_, v1::Job::PAUSED);
  v1::ResumeJobResponse resumed;
  EXPECT_TRUE(admin_
                  ->Call(&v1::JobService::Stub::ResumeJob,
                         ForJob<v1::ResumeJobRequest>(long_, "resume"), &resumed)
                  .ok());
  admin_->AwaitState(long_, v1::Job::RUNNING);
}

void KillScript::KeptEnds() { admin_->AwaitState(kept_, v1::Job::SUCCEEDED); }

void KillScript::RunOutOfTime() {
  v1::JobSpec limited = LongJob("limited");
  limited.set_time_limit("50ms");
  limited_ = admin_->Submit("limited", limited, submits_);
  admin_->AwaitState(limited_, v1::Job::TIMED_OUT);
}

void KillScript::Drain() {
  admin_->Await(long_, IsTraining);
  admin_->Disconnect();
  if (server_.Stop() != 0) return Revive();
  AddForgottenBlob(server_);
  Start();
}

void KillScript::Collect() {
  // Killed between row and file, the file is one that no row knows: it goes a day later.
  const int deaths = deaths_;
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::filesystem::exists(ForgottenPath(server_)) && deaths_ == deaths) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << "a forgotten blob was not collected";
    LookAfter();
  }
}

void KillScript::Cancel() {
  v1::CancelJobResponse cancelled;
  EXPECT_TRUE(admin_
                  ->Call(&v1::JobService::Stub::CancelJob,
                         ForJob<v1::CancelJobRequest>(long_, "cancel"), &cancelled)
                  .ok());
  admin_->AwaitState(long_, v1::Job::CANCELLED);
}

void KillScript::Finish() {
  if (!pushed_) Push();
  if (kept_.empty()) SubmitKept();
  KeptEnds();
  if (!limited_.empty()) admin_->AwaitState(limited_, v1::Job::TIMED_OUT);
  if (!long_.empty()) Cancel();
  while (!watched_) LookAfter();
  watcher_.join();
  CheckJobs();
  admin_->Disconnect();
  if (server_.Stop() == 0) return CheckFolder();
  Revive();
  EXPECT_EQ(server_.Stop(), 0);
  CheckFolder();
}

void KillScript::CheckJobs() {
  const v1::Job kept = admin_->Get(kept_);
  EXPECT_EQ(kept.published(), "kept@1");
  EXPECT_EQ(kept.step(), options_.steps);
  EXPECT_THAT(CheckSteps(seen_, options_.steps), IsEmpty());
  EXPECT_THAT(stream_.Check(true, seen_.empty() ? 0 : seen_.back().seq()), IsEmpty());
  // A rank that lived when the server died was not replaced.
  for (const std::string& rank : lived_) {
    if (rank.starts_with(kept_)) {
      EXPECT_EQ(RankOf(kept), rank);
    }
  }
  std::set<std::string> jobs;
  for (const v1::Job& job : admin_->List()) jobs.insert(job.id());
  EXPECT_THAT(submits_.Check(jobs), IsEmpty());
}

void KillScript::CheckFolder() {
  EXPECT_THAT(server_.Verify(), IsEmpty());
  EXPECT_THAT(LivingRanks(server_.dir()), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(server_ / "attempts")) << "folders of ended attempts";
}

}  // namespace gradus::test
