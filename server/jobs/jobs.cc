// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/jobs.h"

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/status.h"
#include "server/jobs/attempts.h"
#include "server/jobs/best_checkpoints.h"
#include "server/jobs/checkpoints.h"
#include "server/jobs/context.h"
#include "server/jobs/driver.h"
#include "server/jobs/queries.h"
#include "server/jobs/reports.h"
#include "server/jobs/submitting.h"
#include "server/registry/weights.h"

namespace gradus::jobs {
namespace {

using executors::RankKey;

// Those that the driver may have something to do for.
std::vector<std::string> OpenJobs(const Context& context) {
  std::vector<std::string> ids;
  const absl::Status status = context.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(
        auto rows, tx.Query<std::string>("SELECT id FROM jobs WHERE state IN (1, 2, 3, 4, 5, 6)"));
    for (auto& [id] : rows) ids.push_back(std::move(id));
    return absl::OkStatus();
  });
  if (!status.ok()) base::LogWarning("open jobs could not be read", {{"status", status}});
  return ids;
}

class StoredJobs final : public Jobs {
 public:
  StoredJobs(const JobsParts& parts, const JobsOptions& options) : context_{parts, options} {}
  ~StoredJobs() override { StopDriver(); }

  absl::Status Begin() {
    RETURN_IF_ERROR(base::MakeDirs(*context_.parts.files, context_.options.attempts_dir));
    return context_.options.lead ? Lead() : absl::OkStatus();
  }

  absl::Status Lead() override {
    auto driver = std::make_shared<Driver>(&context_);
    // Before it takes up what there is, so that no change in between goes unnoticed.
    {
      base::MutexLock lock(mu_);
      driver_ = driver;
    }
    const absl::Status started = driver->Start();
    if (started.ok()) return started;
    base::MutexLock lock(mu_);
    if (driver_ == driver) driver_ = nullptr;
    return started;
  }

  void Follow() override {
    if (const std::shared_ptr<Driver> driver = StopDriver()) driver->SendRanksAway();
  }

  void ChangedElsewhere(const std::string& id) override {
    const std::shared_ptr<Driver> driver = ThisDriver();
    if (driver == nullptr) return;
    if (!id.empty()) return driver->JobChanged(id);
    for (const std::string& open : OpenJobs(context_)) driver->JobChanged(open);
  }

  absl::StatusOr<std::optional<v1::Job>> FindSubmitted(const std::string& user,
                                                       const std::string& request_id,
                                                       const std::string& fingerprint) override {
    return FindSubmission(context_, user, request_id, fingerprint);
  }

  absl::StatusOr<v1::Job> Submit(const Submission& submission) override {
    if (draining_)
      return absl::UnavailableError("the server is stopping: submit again in a moment");
    bool fresh = false;
    ASSIGN_OR_RETURN(v1::Job job, StoreSubmission(context_, submission, &fresh));
    if (fresh) JobChanged(job.id());
    return job;
  }

  absl::StatusOr<v1::Job> Get(const std::string& id) override { return GetJob(context_, id); }

  absl::StatusOr<std::string> OwnerOf(const std::string& id) override {
    std::string owner;
    RETURN_IF_ERROR(context_.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(auto row,
                       tx.QueryOne<std::string>("SELECT owner FROM jobs WHERE id = :id", id));
      if (!row.has_value()) return absl::NotFoundError(absl::StrCat("there is no job ", id));
      owner = std::move(std::get<0>(*row));
      return absl::OkStatus();
    }));
    return owner;
  }

  absl::StatusOr<v1::ListJobsResponse> List(const ListQuery& query) override {
    return ListJobs(context_, query);
  }

  absl::StatusOr<v1::Job> Pause(const std::string& user, const std::string& id,
                                const std::string& request_id) override {
    return Change(Steering::kPause, user, id, request_id);
  }
  absl::StatusOr<v1::Job> Resume(const std::string& user, const std::string& id,
                                 const std::string& request_id) override {
    return Change(Steering::kResume, user, id, request_id);
  }
  absl::StatusOr<v1::Job> Cancel(const std::string& user, const std::string& id,
                                 const std::string& request_id) override {
    return Change(Steering::kCancel, user, id, request_id);
  }

  absl::StatusOr<v1::PublishCheckpointResponse> PublishCheckpoint(
      const std::string& user, const v1::PublishCheckpointRequest& request) override {
    return jobs::PublishCheckpoint(context_, user, request);
  }

  absl::StatusOr<v1::ExplainJobResponse> Explain(const std::string& id) override {
    const std::shared_ptr<Driver> driver = ThisDriver();
    // Whoever leads knows what is free; machines of one lab are taken to be alike.
    const Supply all{static_cast<int32_t>(context_.options.cpus.size()),
                     context_.options.memory_bytes};
    if (driver == nullptr) return ExplainJob(context_, id, all, all);
    return ExplainJob(context_, id, driver->free(), driver->total());
  }

  absl::StatusOr<v1::ListMetricsResponse> Metrics(const std::string& id,
                                                  const std::vector<std::string>& names) override {
    return ListMetrics(context_, id, names);
  }

  absl::StatusOr<AttachReply> Attach(
      const v1::Hello& hello, std::function<void(const v1::AttachResponse&)> on_word) override;

  absl::StatusOr<int64_t> Report(const RankKey& key, const v1::EventBatch& batch) override {
    const std::shared_ptr<Driver> driver = ThisDriver();
    if (driver == nullptr) return AttachElsewhere();
    bool changed = false;
    ASSIGN_OR_RETURN(const int64_t acked, TakeBatch(context_, key, batch, &changed));
    if (changed) driver->JobChanged(key.job);
    return acked;
  }

  absl::Status CheckFence(const RankKey& key) override {
    return context_.parts.store->Read(FenceGuard(key));
  }

  store::CommitGuard FenceGuard(const RankKey& key) override {
    return [key](store::ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const JobRow row, LoadJob(tx, key.job));
      return CheckCurrent(row, key);
    };
  }

  absl::StatusOr<v1::BlobRef> AssignedBlob(const RankKey& key, const std::string& sha256) override;

  absl::Status PutNote(const RankKey& key, const v1::PutNoteRequest& request) override {
    const std::shared_ptr<Driver> driver = ThisDriver();
    return driver == nullptr ? AttachElsewhere() : driver->notes().Put(key, request);
  }
  absl::StatusOr<v1::GetNotesResponse> GetNotes(const RankKey& key,
                                                const v1::GetNotesRequest& request) override {
    const std::shared_ptr<Driver> driver = ThisDriver();
    if (driver == nullptr) return AttachElsewhere();
    return driver->notes().Get(key, request);
  }

  void Drain(int64_t deadline_micros) override {
    draining_ = true;
    if (const std::shared_ptr<Driver> driver = ThisDriver()) driver->Drain(deadline_micros);
  }
  void Settle() override {
    if (const std::shared_ptr<Driver> driver = ThisDriver()) driver->Settle();
  }
  bool WaitIdle(int64_t deadline_micros) override {
    const std::shared_ptr<Driver> driver = ThisDriver();
    return driver == nullptr || driver->WaitIdle(deadline_micros);
  }

 private:
  // Null while another server leads.
  std::shared_ptr<Driver> ThisDriver() const {
    base::MutexLock lock(mu_);
    return driver_;
  }

  // The one that was, if any.
  std::shared_ptr<Driver> StopDriver() {
    std::shared_ptr<Driver> driver;
    {
      base::MutexLock lock(mu_);
      driver.swap(driver_);
    }
    if (driver != nullptr) driver->Stop();
    return driver;
  }

  void JobChanged(const std::string& id) {
    if (const std::shared_ptr<Driver> driver = ThisDriver()) driver->JobChanged(id);
  }

  absl::Status AttachElsewhere() const {
    const std::string leader = context_.parts.leader ? context_.parts.leader() : "";
    return absl::UnavailableError(leader.empty()
                                      ? "no server leads: attach again in a moment"
                                      : absl::StrCat("another server leads: attach to ", leader));
  }

  absl::StatusOr<v1::Job> Change(Steering steering, const std::string& user, const std::string& id,
                                 const std::string& request_id) {
    ASSIGN_OR_RETURN(v1::Job job, Steer(context_, steering, user, id, request_id));
    JobChanged(id);
    return job;
  }

  const Context context_;
  std::atomic<bool> draining_ = false;
  mutable base::Mutex mu_;
  std::shared_ptr<Driver> driver_ ABSL_GUARDED_BY(mu_);
};

// The driver may be gone before the last stream is.
class StreamHold final : public Attachment {
 public:
  StreamHold(std::weak_ptr<Driver> driver, RankKey key, std::shared_ptr<WordSink> sink)
      : driver_(std::move(driver)), key_(std::move(key)), sink_(std::move(sink)) {}

  ~StreamHold() override {
    sink_->Cancel();
    if (const std::shared_ptr<Driver> driver = driver_.lock()) driver->Detached(key_, sink_);
  }

  absl::Status Heard(const v1::Heartbeat& heartbeat) override {
    if (sink_->cancelled()) {
      return absl::FailedPreconditionError(absl::StrCat("the rank with fence ", key_.fence,
                                                        " of job ", key_.job,
                                                        " has another stream, or is given up"));
    }
    if (const std::shared_ptr<Driver> driver = driver_.lock())
      driver->Heard(key_, heartbeat, pulse_);
    return absl::OkStatus();
  }

 private:
  const std::weak_ptr<Driver> driver_;
  const RankKey key_;
  const std::shared_ptr<WordSink> sink_;
  const std::shared_ptr<Pulse> pulse_ = std::make_shared<Pulse>();
};

absl::StatusOr<AttachReply> StoredJobs::Attach(
    const v1::Hello& hello, std::function<void(const v1::AttachResponse&)> on_word) {
  const std::shared_ptr<Driver> driver = ThisDriver();
  if (driver == nullptr) return AttachElsewhere();
  ASSIGN_OR_RETURN(AttachResult result, TakeHello(context_, hello));
  AttachReply reply;
  reply.acked = result.acked;
  if (result.over) return reply;
  reply.assignment = std::move(result.assignment);
  const RankKey key{hello.job_id(), hello.attempt(), hello.fence()};
  auto sink = std::make_shared<WordSink>(std::move(on_word));
  reply.attachment = std::make_unique<StreamHold>(driver, key, sink);
  driver->Attached(key, hello.generation(), std::move(sink));
  return reply;
}

absl::StatusOr<v1::BlobRef> StoredJobs::AssignedBlob(const RankKey& key,
                                                     const std::string& sha256) {
  v1::BlobRef found;
  RETURN_IF_ERROR(context_.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const AttemptRow rank, LoadAttempt(tx, key));
    ASSIGN_OR_RETURN(const JobRow row, LoadJob(tx, key.job));
    RETURN_IF_ERROR(CheckRank(row, rank));
    ASSIGN_OR_RETURN(const v1::Assignment assignment, LoadAssignment(tx, key.job));
    for (const v1::ModelWeights& model : assignment.models()) {
      ASSIGN_OR_RETURN(const std::optional<v1::BlobRef> part,
                       registry::FindPart(tx, model.index(), sha256));
      if (part.has_value()) found = *part;
    }
    for (const v1::Dataset& dataset : assignment.datasets()) {
      for (const v1::Split& split : dataset.splits()) {
        for (const v1::Column& column : split.columns()) {
          if (column.blob().sha256() == sha256) found = column.blob();
        }
      }
    }
    ASSIGN_OR_RETURN(const std::vector<v1::CheckpointReady> checkpoints,
                     LoadCheckpoints(tx, key.job));
    for (const v1::CheckpointReady& checkpoint : checkpoints) {
      if (checkpoint.blob().sha256() == sha256) found = checkpoint.blob();
    }
    return absl::OkStatus();
  }));
  if (found.sha256().empty())
    return absl::NotFoundError(absl::StrCat("blob ", sha256, " is not part of this job"));
  return found;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Jobs>> Jobs::Start(const JobsParts& parts,
                                                  const JobsOptions& options) {
  auto jobs = std::make_unique<StoredJobs>(parts, options);
  RETURN_IF_ERROR(jobs->Begin());
  return jobs;
}

absl::StatusOr<bool> DatasetInUse(store::ReadTx& tx, const std::string& dataset) {
  ASSIGN_OR_RETURN(auto row, tx.QueryOne<int64_t>(
                                 "SELECT COUNT(*) FROM job_datasets d JOIN jobs j ON j.id = d.job"
                                 " WHERE d.dataset = :dataset AND j.state IN (1, 2, 3, 4, 5, 6)",
                                 dataset));
  return row.has_value() && std::get<0>(*row) > 0;
}

}  // namespace gradus::jobs
