// SPDX-License-Identifier: Apache-2.0
// Wires the stream, the blobs and the trainer together, and makes the last word out of how training
// ended.
#include "server/worker/rank.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/base/byte_size.h"
#include "engine/base/cpu.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/plan/executable.h"
#include "engine/trainer/trainer.h"
#include "server/worker/blob_cache.h"
#include "server/worker/blob_transfer.h"
#include "server/worker/checkpoint_uploader.h"
#include "server/worker/meetings.h"
#include "server/worker/node_cache.h"
#include "server/worker/outbox.h"
#include "server/worker/uplink.h"

namespace gradus::worker {
namespace {

// A fault of the job itself comes again however often it is tried; one of the machine may not.
bool WouldComeAgain(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

// The newest checkpoint, what tells of the weights that the job works on, then blobs of the views
// that it looks at, training first.
std::vector<v1::BlobRef> NeededBlobs(const v1::Assignment& assignment) {
  std::vector<v1::BlobRef> refs;
  if (assignment.checkpoints_size() > 0) refs.push_back(assignment.checkpoints(0).blob());
  for (const v1::ModelWeights& model : assignment.models()) refs.push_back(model.index());
  const v1::DataSpec& data = assignment.spec().data();
  for (const v1::DataView* view : {&data.train(), &data.validation(), &data.test()}) {
    for (const v1::Dataset& dataset : assignment.datasets()) {
      if (dataset.name() != view->dataset()) continue;
      for (const v1::Split& split : dataset.splits()) {
        if (split.name() != (view->split().empty() ? "train" : view->split())) continue;
        for (const v1::Column& column : split.columns()) refs.push_back(column.blob());
      }
    }
  }
  return refs;
}

// Null where there is none: a rank can do without.
std::unique_ptr<NodeCache> OpenNodeCache(const v1::WorkerConfig& config, base::Files& files,
                                         ServerLink& link) {
  if (config.cache_dir().empty() || config.cache_bytes() <= 0) return nullptr;
  absl::StatusOr<std::unique_ptr<NodeCache>> cache =
      NodeCache::Open(files, link, config.cache_dir(), config.cache_bytes());
  if (cache.ok()) return *std::move(cache);
  base::LogWarning("the node's cache cannot be used", {{"error", cache.status()}});
  return nullptr;
}

class Rank final : public UplinkHandler, public trainer::Callback {
 public:
  Rank(const v1::WorkerConfig& config, const RankParts& parts, trainer::Control& control)
      : config_(config),
        parts_(parts),
        control_(control),
        link_(config, parts.channels, *parts.files, *parts.clock),
        outbox_(*parts.files, base::JoinPath(config.work_dir(), "events.spool")),
        transfer_(link_, *parts.files, *parts.random),
        node_cache_(OpenNodeCache(config, *parts.files, link_)),
        cache_(*parts.files, transfer_, config.blob_dir(), node_cache_.get(), config.work_dir()),
        uploader_(transfer_, outbox_, *parts.files) {
    if (!config.several()) return;
    meetings_ = std::make_unique<Meetings>(
        parts.connector(link_), [this] { outbox_.Wake(); }, control, *parts.clock);
  }
  // Broken off first, so that no thread below waits for the server any more.
  ~Rank() override {
    link_.Shutdown();
    uplink_.reset();
  }

  absl::Status Run();

  void OnAssignment(const v1::Assignment& assignment) override {
    cache_.Prefetch(NeededBlobs(assignment));
    base::MutexLock lock(mu_);
    assignment_ = assignment;
    changed_.SignalAll();
  }
  void OnCommand(v1::Command::Action action) override {
    if (action == v1::Command::STOP) control_.RequestStop();
    if (action == v1::Command::CANCEL) control_.RequestCancel();
  }
  void OnMeeting(const v1::Meeting& meeting) override {
    if (meetings_ != nullptr) meetings_->Announce(meeting);
  }
  void OnFatal(const absl::Status& status) override {
    control_.RequestCancel();
    if (meetings_ != nullptr) meetings_->End();
    link_.Shutdown();
    base::MutexLock lock(mu_);
    fatal_ = status;
    changed_.SignalAll();
  }

  void OnEvent(const v1::Event& event) override {
    if (!leads()) return;
    v1::WorkerEvent up;
    *up.mutable_event() = event;
    outbox_.Push(std::move(up));
  }
  absl::Status OnCheckpoint(const trainer::CheckpointFile& checkpoint) override {
    if (!leads()) return absl::OkStatus();
    uploader_.Add(checkpoint);
    return absl::OkStatus();
  }
  absl::Status OnBestCheckpoint(const trainer::BestCheckpointFile& best) override {
    if (!leads()) return absl::OkStatus();
    uploader_.Add(best);
    return absl::OkStatus();
  }

 private:
  // Of the job's ranks it is the one that the server takes reports from.
  bool leads() const { return config_.member() == 0; }
  UplinkOptions OptionsOfUplink();
  absl::StatusOr<v1::Assignment> AwaitAssignment();
  // The last word, until it is stored.
  absl::Status Report(const absl::StatusOr<trainer::TrainResult>& result,
                      const v1::Assignment& assignment);
  trainer::TrainerInputs InputsOf(const v1::Assignment& assignment);
  v1::RankFinished Finish(const absl::StatusOr<trainer::TrainResult>& result,
                          const v1::Assignment& assignment);
  absl::Status FinishWhole(const trainer::TrainResult& result, v1::RankFinished* finished);
  absl::Status fatal() {
    base::MutexLock lock(mu_);
    return fatal_;
  }

  const v1::WorkerConfig& config_;
  const RankParts& parts_;
  trainer::Control& control_;
  ServerLink link_;
  Outbox outbox_;
  BlobTransfer transfer_;
  std::unique_ptr<NodeCache> node_cache_;
  BlobCache cache_;
  CheckpointUploader uploader_;
  std::unique_ptr<Meetings> meetings_;  // null for a job that has one rank alone
  std::unique_ptr<Uplink> uplink_;

  base::Mutex mu_;
  base::CondVar changed_;
  std::optional<v1::Assignment> assignment_ ABSL_GUARDED_BY(mu_);
  absl::Status fatal_ ABSL_GUARDED_BY(mu_);
};

UplinkOptions Rank::OptionsOfUplink() {
  UplinkOptions options{.isa = plan::EngineFingerprint().isa};
  if (meetings_ != nullptr) options.heartbeat = [this] { return meetings_->Heartbeat(); };
  return options;
}

absl::Status Rank::Run() {
  uplink_ = std::make_unique<Uplink>(link_, outbox_, *this, *parts_.clock, *parts_.random,
                                     OptionsOfUplink());
  const absl::StatusOr<v1::Assignment> assignment = AwaitAssignment();
  if (!assignment.ok()) return assignment.status();
  const absl::StatusOr<trainer::TrainResult> result =
      trainer::Train(InputsOf(*assignment), control_, *this);
  if (leads()) return Report(result, *assignment);
  if (!fatal().ok()) return fatal();
  base::LogInfo("the rank ends", {{"member", config_.member()}, {"status", result.status()}});
  return result.status();
}

absl::Status Rank::Report(const absl::StatusOr<trainer::TrainResult>& result,
                          const v1::Assignment& assignment) {
  v1::WorkerEvent last;
  *last.mutable_finished() = Finish(result, assignment);
  if (!fatal().ok()) return fatal();
  base::LogInfo("the rank ends",
                {{"outcome", v1::RankFinished::Outcome_Name(last.finished().outcome())},
                 {"reason", last.finished().reason()}});
  outbox_.Push(std::move(last));
  return outbox_.Flush() ? absl::OkStatus() : fatal();
}

absl::StatusOr<v1::Assignment> Rank::AwaitAssignment() {
  base::MutexLock lock(mu_);
  changed_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return assignment_.has_value() || !fatal_.ok();
  });
  if (!fatal_.ok()) return fatal_;
  return *assignment_;
}

trainer::TrainerInputs Rank::InputsOf(const v1::Assignment& assignment) {
  trainer::TrainerInputs inputs{
      .spec = assignment.spec(),
      .datasets = {assignment.datasets().begin(), assignment.datasets().end()},
      .open_blob = [this](const v1::BlobRef& ref) { return cache_.Open(ref); },
      .work_dir = config_.work_dir(),
      .cpus = {config_.cpus().begin(), config_.cpus().end()},
      .workers = meetings_.get(),
      .leader = leads(),
      .files = parts_.files,
      .clock = parts_.clock};
  for (const v1::ModelWeights& model : assignment.models())
    inputs.models[model.ref()] = model.index();
  for (const v1::CheckpointReady& checkpoint : assignment.checkpoints())
    inputs.checkpoints.push_back(checkpoint.blob());
  return inputs;
}

// What the results need before the last word may be said: they are stored at the server.
absl::Status Rank::FinishWhole(const trainer::TrainResult& result, v1::RankFinished* finished) {
  switch (result.outcome) {
    case trainer::TrainResult::Outcome::kCancelled:
      finished->set_outcome(v1::RankFinished::CANCELLED);
      finished->set_reason("cancelled as asked");
      uploader_.Flush().IgnoreError();  // the best epochs are kept all the same
      return absl::OkStatus();
    case trainer::TrainResult::Outcome::kStopped:
      finished->set_outcome(v1::RankFinished::STOPPED);
      finished->set_reason("stopped as asked");
      return uploader_.Flush();
    case trainer::TrainResult::Outcome::kDone:
      break;
  }
  finished->set_outcome(v1::RankFinished::DONE);
  finished->set_weights_sha256(result.weights_sha256);
  if (result.model.has_value()) *finished->mutable_model() = *result.model;
  finished->mutable_weights()->set_sha256(result.weights.index.sha256);
  finished->mutable_weights()->set_size(result.weights.index.size);
  uploader_.Flush().IgnoreError();  // no report may come after the last word
  return UploadWeights(transfer_, result.weights);
}

v1::RankFinished Rank::Finish(const absl::StatusOr<trainer::TrainResult>& result,
                              const v1::Assignment& assignment) {
  v1::RankFinished finished;
  const absl::Status status = result.ok() ? FinishWhole(*result, &finished) : result.status();
  if (status.ok()) return finished;
  if (!result.ok()) uploader_.Flush().IgnoreError();
  finished.Clear();
  finished.set_outcome(WouldComeAgain(status) ? v1::RankFinished::FAILED : v1::RankFinished::RETRY);
  finished.set_reason(std::string(status.message()));
  if (absl::IsResourceExhausted(status)) {
    finished.set_reason(
        absl::StrCat(status.message(), "; resources.memory allows ",
                     base::FormatByteSize(static_cast<uint64_t>(assignment.memory_limit())),
                     ", the rank has used ", base::FormatByteSize(base::PeakResidentBytes())));
  }
  return finished;
}

}  // namespace

absl::Status RunRank(const v1::WorkerConfig& config, const RankParts& parts,
                     trainer::Control& control) {
  Rank rank(config, parts, control);
  return rank.Run();
}

}  // namespace gradus::worker
