// SPDX-License-Identifier: Apache-2.0
// Jobs as the API sees them: submit, look, steer; and as their workers see them: attach, report,
// obey.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "engine/base/random.h"
#include "gradus/v1/config.pb.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/job_service.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/events/event_log.h"
#include "server/executors/executor.h"
#include "server/store/blobs.h"
#include "server/store/store.h"

namespace gradus::jobs {

struct JobsOptions {
  std::vector<int> cpus;     // processors that jobs may use together
  int64_t memory_bytes = 0;  // memory that jobs may use together
  int max_open_jobs = 1000;  // a user's, in other than final states
  int64_t worker_grace_micros = 60'000'000;
  int64_t silence_micros = 5'000'000;  // of a rank of a job that may have several; then it is lost
  int max_attempts = 5;
  int64_t cancel_grace_micros = 10'000'000;  // from cancel to SIGKILL
  int64_t pause_grace_micros =
      120'000'000;  // from pause to SIGKILL; the job then goes on from its last checkpoint
  int64_t exit_grace_micros = 4'000'000;  // from a rank's last word to SIGKILL
  int64_t retry_delay_micros = 500'000;   // doubled with each lost attempt, at most 30 s
  std::string attempts_dir;               // DIR/attempts: one folder an attempt is made below it
  std::string endpoint_file;              // DIR/endpoint
  bool lead = true;                       // from the start; else not before Lead()
};

// What Jobs stands on. All must outlive it.
struct JobsParts {
  store::Store* store = nullptr;
  store::BlobStore* blobs = nullptr;
  events::EventLog* events = nullptr;
  executors::Executor* executor = nullptr;
  base::Files* files = nullptr;
  base::Clock* clock = nullptr;
  base::RandomSource* random = nullptr;
  // What a rank reaches the server with: a token for this attempt alone, stored (hashed) in the
  // transaction that starts the attempt.
  std::function<absl::StatusOr<v1::Profile>(store::Tx&, const executors::RankKey&)> issue_profile;
  // Registers weights, final ones in the transaction that ends the job; returns the reference
  // ("fashion-a@1"). `job` has its spec; not called when spec.publish.model is empty. The weights'
  // blob is stored and holds a reference of the job already.
  std::function<absl::StatusOr<std::string>(store::Tx&, const v1::Job& job,
                                            const v1::RankFinished&)>
      publish;

  // The rest for servers that share their store; one of them leads. Empty where there is but one.
  // Within a transaction: an error unless this server leads.
  std::function<absl::Status(store::ReadTx&)> check_lead;
  // The driver could not store what it did; it has to be started anew (Follow, then Lead). Called
  // on its thread, must only note the fact.
  std::function<void()> on_lead_lost;
  // HOST:PORT of the server that leads, or nothing.
  std::function<std::string()> leader;
};

// A checked job on its way in.
struct Submission {
  std::string user;
  std::string request_id;
  std::string
      fingerprint;   // store::Fingerprint of the spec as it came, before defaults and drawn seed
  v1::JobSpec spec;  // effective: resources.cores is set
  std::vector<v1::Dataset> datasets;     // those that the spec names
  std::vector<v1::ModelWeights> models;  // published ones that the spec speaks of
  int64_t memory_bytes = 0;              // resources.memory, parsed
  int64_t time_limit_micros = 0;         // 0: none
  int64_t total_epochs = 0;
  int64_t steps_per_epoch = 0;  // 0 where only the rank can tell
  // Runs first in the transaction: that the datasets are still there, for one. May be empty.
  std::function<absl::Status(store::ReadTx&)> still_valid;
};

struct ListQuery {
  std::string owner;                   // empty: everyone's
  std::vector<v1::Job::State> states;  // empty: all
  int page_size = 100;                 // 1 to 1000; 0 means 100
  std::string page_token;
};

// One stream of a rank. Destroying it says that the stream is gone. The destructor waits for a
// callback under way: never destroy it in one.
//   Threads  any.
class Attachment {
 public:
  virtual ~Attachment() = default;
  // The rank lives. FAILED_PRECONDITION when nothing is taken from this stream any more.
  virtual absl::Status Heard(const v1::Heartbeat& heartbeat) = 0;
};

struct AttachReply {
  std::optional<v1::Assignment> assignment;  // absent for a reattached rank
  int64_t acked = 0;                         // highest durable worker_seq of this attempt
  std::unique_ptr<Attachment> attachment;  // null: the attempt's last word is stored already; send
                                           // the ack and end the stream
};

// The life of every job. One thread of its own (driver.h) starts ranks, keeps deadlines and reacts
// to exits; calls below may come from any thread and block for one transaction at most.
//   Errors   NOT_FOUND for an unknown job everywhere; FAILED_PRECONDITION where a state or a fence
//   forbids
//            the call.
class Jobs {
 public:
  // Leads (see there) if the options say so.
  static absl::StatusOr<std::unique_ptr<Jobs>> Start(const JobsParts& parts,
                                                     const JobsOptions& options);
  // Stops scheduling. Ranks live on: Drain first where they should not.
  virtual ~Jobs() = default;

  // --- For users. `user` is who asks: it stands in reasons. Retries with the same request_id get
  // the first answer. The answer that this request got before, if any: ask before checking the
  // spec. ALREADY_EXISTS for another fingerprint.
  virtual absl::StatusOr<std::optional<v1::Job>> FindSubmitted(const std::string& user,
                                                               const std::string& request_id,
                                                               const std::string& fingerprint) = 0;
  // Durable before it returns. RESOURCE_EXHAUSTED at max_open_jobs, UNAVAILABLE while draining.
  virtual absl::StatusOr<v1::Job> Submit(const Submission& submission) = 0;
  virtual absl::StatusOr<v1::Job> Get(const std::string& id) = 0;
  virtual absl::StatusOr<std::string> OwnerOf(const std::string& id) = 0;
  virtual absl::StatusOr<v1::ListJobsResponse> List(const ListQuery& query) = 0;
  virtual absl::StatusOr<v1::Job> Pause(const std::string& user, const std::string& id,
                                        const std::string& request_id) = 0;
  virtual absl::StatusOr<v1::Job> Resume(const std::string& user, const std::string& id,
                                         const std::string& request_id) = 0;
  virtual absl::StatusOr<v1::Job> Cancel(const std::string& user, const std::string& id,
                                         const std::string& request_id) = 0;
  // See best_checkpoints.h.
  virtual absl::StatusOr<v1::PublishCheckpointResponse> PublishCheckpoint(
      const std::string& user, const v1::PublishCheckpointRequest& request) = 0;
  virtual absl::StatusOr<v1::ExplainJobResponse> Explain(const std::string& id) = 0;
  virtual absl::StatusOr<v1::ListMetricsResponse> Metrics(
      const std::string& id, const std::vector<std::string>& names) = 0;

  // --- For ranks. An older fence than the job's current one is FAILED_PRECONDITION.
  // `on_word` gets a command or a meeting; it may be called from another thread, even before Attach
  // returns (write the assignment first), and must only note it. A word that says nothing: the
  // stream has to end, since this server leads no more. A newer stream of the same rank silences
  // the older one.
  virtual absl::StatusOr<AttachReply> Attach(
      const v1::Hello& hello, std::function<void(const v1::AttachResponse&)> on_word) = 0;
  // Stores a batch in one transaction; returns the highest durable worker_seq. Repeated events are
  // dropped; a gap is OUT_OF_RANGE.
  virtual absl::StatusOr<int64_t> Report(const executors::RankKey& key,
                                         const v1::EventBatch& batch) = 0;
  // OK while `key` is its job's current attempt, which is its leader.
  virtual absl::Status CheckFence(const executors::RankKey& key) = 0;
  // The same for use inside a blob's commit.
  virtual store::CommitGuard FenceGuard(const executors::RankKey& key) = 0;
  // The blob of this digest if it belongs to the rank's assignment (datasets, checkpoints, a
  // model's weights), else NOT_FOUND. For all of an attempt's workers.
  virtual absl::StatusOr<v1::BlobRef> AssignedBlob(const executors::RankKey& key,
                                                   const std::string& sha256) = 0;
  // See notes.h.
  virtual absl::Status PutNote(const executors::RankKey& key,
                               const v1::PutNoteRequest& request) = 0;
  virtual absl::StatusOr<v1::GetNotesResponse> GetNotes(const executors::RankKey& key,
                                                        const v1::GetNotesRequest& request) = 0;

  // --- For the program.
  // Takes up what an earlier process, or another server, left: living ranks are kept and given the
  // grace to reattach, lost ones are queued again. Then schedules, and takes ranks.
  virtual absl::Status Lead() = 0;
  // Does so no more: users are served as before, ranks are sent to the server that leads. Ranks
  // live on.
  virtual void Follow() = 0;
  // Another server has changed this job, or may have changed any (empty).
  virtual void ChangedElsewhere(const std::string& id) = 0;
  // Starts nothing more, asks every rank to save and stop, waits for them until `deadline_micros`
  // (monotonic), ends the rest. Their jobs wait for the next start.
  virtual void Drain(int64_t deadline_micros) = 0;
  // Returns when everything that earlier calls ask for, or that is due by now, has been set going;
  // for tests and tools.
  virtual void Settle() = 0;
  // Blocks until no rank runs and no job could start, or the deadline (false); for tests and tools.
  virtual bool WaitIdle(int64_t deadline_micros) = 0;
};

// Whether a job that is not finished uses the dataset; inside the transaction that would remove it.
absl::StatusOr<bool> DatasetInUse(store::ReadTx& tx, const std::string& dataset);

}  // namespace gradus::jobs
