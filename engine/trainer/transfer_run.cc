// SPDX-License-Identifier: Apache-2.0
// Threads train, one after another from a common list; the caller's thread waits for each in turn
// and tells of it.
#include "engine/trainer/transfer_run.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/mutex.h"
#include "engine/base/status.h"
#include "engine/graph/graph.h"
#include "engine/graph/transfer_search.h"
#include "engine/trainer/events.h"
#include "engine/training/callbacks/monitor.h"

namespace gradus::trainer {
namespace {

// Keeps a trial's last figures.
class TrialCallback final : public Callback {
 public:
  explicit TrialCallback(base::Files& files) : files_(files) {}

  void OnEvent(const v1::Event& event) override {
    if (event.has_epoch_finished())
      figures_ = {event.epoch_finished().metrics().begin(), event.epoch_finished().metrics().end()};
  }
  absl::Status OnCheckpoint(const CheckpointFile& checkpoint) override {
    return files_.Remove(checkpoint.file.path);
  }
  absl::Status OnBestCheckpoint(const BestCheckpointFile&) override { return absl::OkStatus(); }

  const std::map<std::string, double>& figures() const { return figures_; }

 private:
  base::Files& files_;
  std::map<std::string, double> figures_;
};

struct Ended {
  absl::StatusOr<TrainResult> result = absl::CancelledError("not begun");
  std::map<std::string, double> figures;  // of its last epoch
};

class Search {
 public:
  Search(const TrainerInputs& inputs, Control& control, Callback& callback)
      : inputs_(inputs), control_(control), callback_(callback) {}

  absl::StatusOr<TrainResult> Run() {
    absl::StatusOr<graph::Graph> graph = graph::Graph::Create(inputs_.spec.model());
    if (!graph.ok()) return base::InField(graph.status(), "model");
    ASSIGN_OR_RETURN(trials_, graph::TransferTrials(inputs_.spec, *graph));
    for (const graph::TransferTrial& trial : trials_)
      specs_.push_back(graph::SpecOfTrial(inputs_.spec, *graph, trial));
    {
      base::MutexLock lock(mu_);
      ended_.resize(trials_.size());
    }
    const absl::Status status = TellInOrder();
    Join();
    RETURN_IF_ERROR(status);
    if (control_.request() != Control::Request::kNone) return Stopped();
    if (!best_.has_value())
      return absl::OutOfRangeError("no trial of the search has come to its end: see the job's log");
    return Best();
  }

 private:
  // Trains what is left of the list, on the `core`-th of the job's processors.
  void Work(size_t core) {
    while (true) {
      size_t trial = 0;
      {
        base::MutexLock lock(mu_);
        if (next_ >= trials_.size() || control_.request() != Control::Request::kNone) {
          changed_.SignalAll();
          return;
        }
        trial = next_++;
      }
      Ended ended = Train(trial, core);
      base::MutexLock lock(mu_);
      ended_[trial] = std::move(ended);
      changed_.SignalAll();
    }
  }

  Ended Train(size_t trial, size_t core) {
    TrainerInputs inputs = inputs_;
    inputs.spec = specs_[trial];
    inputs.checkpoints.clear();
    inputs.work_dir = base::JoinPath(inputs_.work_dir, absl::StrCat("trial-", trial));
    inputs.cpus.clear();
    if (core < inputs_.cpus.size()) inputs.cpus = {inputs_.cpus[core]};
    const absl::Status made = inputs_.files->MakeDir(inputs.work_dir);
    if (!made.ok()) return {.result = made};
    TrialCallback callback(*inputs_.files);
    absl::StatusOr<TrainResult> result = trainer::Train(inputs, control_, callback);
    return {.result = std::move(result), .figures = callback.figures()};
  }

  absl::Status TellInOrder() {
    const size_t threads = static_cast<size_t>(
        std::clamp(inputs_.spec.transfer_search().parallel(), 1, static_cast<int>(trials_.size())));
    for (size_t core = 0; core < threads; ++core)
      threads_.emplace_back([this, core] { Work(core); });
    for (size_t trial = 0; trial < trials_.size(); ++trial) {
      Ended ended = Await(trial);
      if (control_.request() != Control::Request::kNone) return absl::OkStatus();
      RETURN_IF_ERROR(Tell(trial, std::move(ended)));
    }
    return absl::OkStatus();
  }

  Ended Await(size_t trial) {
    base::MutexLock lock(mu_);
    changed_.Wait(mu_, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return ended_[trial].has_value() || control_.request() != Control::Request::kNone;
    });
    return ended_[trial].has_value() ? *std::exchange(ended_[trial], std::nullopt) : Ended();
  }

  absl::Status Tell(size_t trial, Ended ended) {
    v1::Event event;
    v1::TransferTried& tried = *event.mutable_transfer_tried();
    tried.set_reuse(trials_[trial].reuse);
    tried.set_freeze(trials_[trial].freeze);
    tried.set_trials(static_cast<int32_t>(trials_.size()));
    if (absl::IsOutOfRange(ended.result.status())) {
      SendLogLine(callback_, v1::LogLine::WARNING,
                  absl::StrCat("with ", tried.reuse(), " layers reused and ", tried.freeze(),
                               " of them frozen: ", ended.result.status().message()));
      callback_.OnEvent(event);
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(ended.result.status());
    tried.mutable_metrics()->insert(ended.figures.begin(), ended.figures.end());
    const v1::TransferSearch& search = inputs_.spec.transfer_search();
    const callbacks::Monitor monitor{.name = search.monitor(), .mode = search.mode()};
    const std::optional<double> value = monitor.Value({.figures = ended.figures});
    const bool better = value.has_value() &&
                        monitor.Improves(*value, best_.has_value() ? best_value_ : monitor.Worst());
    tried.set_best(better);
    callback_.OnEvent(event);
    if (!better) {
      Remove(ended.result->weights);
      return absl::OkStatus();
    }
    if (best_.has_value()) Remove(best_ended_.result->weights);
    best_ = trial;
    best_value_ = *value;
    best_ended_ = std::move(ended);
    return absl::OkStatus();
  }

  absl::StatusOr<TrainResult> Best() {
    TrainResult result = *std::move(best_ended_.result);
    ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(specs_[*best_].model()));
    result.model = graph.spec();
    v1::Event event;
    event.mutable_evaluated()->set_view("best_trial");
    auto& metrics = *event.mutable_evaluated()->mutable_metrics();
    metrics.insert(result.metrics.begin(), result.metrics.end());
    metrics["reuse"] = trials_[*best_].reuse;
    metrics["freeze"] = trials_[*best_].freeze;
    callback_.OnEvent(event);
    result.metrics = {metrics.begin(), metrics.end()};
    return result;
  }

  TrainResult Stopped() const {
    TrainResult stopped;
    stopped.outcome = control_.request() == Control::Request::kStop
                          ? TrainResult::Outcome::kStopped
                          : TrainResult::Outcome::kCancelled;
    return stopped;
  }

  void Remove(const StoredWeights& weights) {
    for (const StoredFile& piece : weights.pieces) inputs_.files->Remove(piece.path).IgnoreError();
    inputs_.files->Remove(weights.index.path).IgnoreError();
  }

  // No further trial is begun.
  void Join() {
    {
      base::MutexLock lock(mu_);
      next_ = trials_.size();
    }
    for (std::thread& thread : threads_) thread.join();
  }

  const TrainerInputs& inputs_;
  Control& control_;
  Callback& callback_;
  std::vector<graph::TransferTrial> trials_;
  std::vector<v1::JobSpec> specs_;
  std::vector<std::thread> threads_;
  std::optional<size_t> best_;
  double best_value_ = 0;
  Ended best_ended_;

  base::Mutex mu_;
  base::CondVar changed_;
  size_t next_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::optional<Ended>> ended_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

absl::StatusOr<TrainResult> SearchTransfer(const TrainerInputs& inputs, Control& control,
                                           Callback& callback) {
  return Search(inputs, control, callback).Run();
}

}  // namespace gradus::trainer
