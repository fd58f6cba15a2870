// SPDX-License-Identifier: Apache-2.0
// One run of one job from its start or a checkpoint to its end: the loop around the steps.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/data/batch_reader.h"
#include "engine/graph/graph.h"
#include "engine/graph/stages.h"
#include "engine/plan/executable.h"
#include "engine/trainer/best_epochs.h"
#include "engine/trainer/checkpoint.h"
#include "engine/trainer/checkpoint_writer.h"
#include "engine/trainer/epoch_callbacks.h"
#include "engine/trainer/evaluator.h"
#include "engine/trainer/events.h"
#include "engine/trainer/ranks.h"
#include "engine/trainer/trainer.h"
#include "engine/trainer/views.h"

namespace gradus::trainer {

// Used once: Start, then Run. Between any two steps all that the rest depends on is position_,
// totals_, what executable_ exports and what callbacks and best epochs remember.
//   Threads  one, besides the readers' and the executable's own.
class TrainingRun {
 public:
  TrainingRun(const TrainerInputs& inputs, Control& control, Callback& callback)
      : inputs_(inputs),
        control_(control),
        callback_(callback),
        progress_(*inputs.clock, callback),
        epoch_callbacks_(
            {inputs.spec.fit().callbacks().begin(), inputs.spec.fit().callbacks().end()}),
        best_epochs_(inputs.spec.fit().checkpoint()) {}

  // Checks and opens everything, takes up a checkpoint.
  absl::Status Start();
  absl::StatusOr<TrainResult> Run();

 private:
  // Set-up, in run_start.cc.
  plan::TrainSetup SetupOf(const graph::StagePlan& stage) const;
  Provenance ProvenanceOfThis() const;
  absl::StatusOr<std::optional<Checkpoint>> FindCheckpoint();
  absl::StatusOr<Checkpoint> OpenCheckpoint(const v1::BlobRef& ref) const;
  absl::Status CheckPosition(const Checkpoint& checkpoint) const;
  absl::Status TakeUp(const Checkpoint& checkpoint);
  // The weights of step 0: drawn, taken from published models, adapted to the rows.
  absl::Status SetStartWeights();
  absl::Status TakePublishedWeights();
  base::ShardRange Share() const;
  absl::StatusOr<std::unique_ptr<Evaluator>> CreateEvaluator(
      const std::shared_ptr<const data::View>& view) const;
  absl::Status CreateReaders();
  absl::Status PrepareKernels();
  absl::Status Configure(size_t stage);
  // In run_ranks.cc, for jobs of several workers.
  absl::Status MeetRanks();
  absl::Status ShareState();
  absl::Status TakeOver(const Checkpoint& state);
  // Comes together anew after a break, or where another meeting was called.
  absl::Status Regroup();
  bool Broken() const { return ranks_ != nullptr && ranks_->broken(); }
  bool Leaving() const { return ranks_ != nullptr && ranks_->leaving(); }
  bool IsLeader() const { return ranks_ == nullptr || ranks_->leader(); }
  void AnnounceStep();
  Checkpoint StateNow() const;
  void SetTotalSteps(size_t stage);
  void WarnOfOtherProvenance(const Provenance& theirs);

  // The loop.
  absl::Status TrainStages();
  absl::Status EnterNextStage();
  void AnnounceStage();
  absl::Status TrainEpoch();
  absl::Status TrainSteps();
  absl::Status Step(const data::Batch& batch);
  absl::Status FinishEpoch();
  absl::Status KeepIfBest(const std::map<std::string, double>& figures);
  absl::Status FailOnNonFinite() const;
  // In run_save.cc.
  absl::Status SaveIfDue();
  bool SaveIsDue(bool* by_steps) const;
  absl::Status BeginToSave();
  // Saves, and waits for it.
  absl::Status Save();
  absl::Status Tell(std::optional<absl::StatusOr<CheckpointFile>> written);
  void AfterSaving(int64_t began_micros);
  void SetNextSave();
  absl::StatusOr<TrainResult> Finish();
  // In run_find.cc.
  absl::StatusOr<TrainResult> FindLearningRate();
  absl::StatusOr<TrainResult> FinishFinding(std::optional<double> suggestion);
  bool Finds() const { return inputs_.spec.kind() == v1::JobSpec::FIND_LEARNING_RATE; }
  bool EndAsked() const;

  const graph::StagePlan& stage() const { return stages_[static_cast<size_t>(position_.stage)]; }
  int64_t total_epochs() const { return stages_.back().end_epoch; }
  int64_t batch_size() const {
    return inputs_.spec.fit().has_batch_size() ? inputs_.spec.fit().batch_size() : 32;
  }

  const TrainerInputs& inputs_;
  Control& control_;
  Callback& callback_;
  ProgressReporter progress_;
  EpochCallbacks epoch_callbacks_;
  BestEpochs best_epochs_;

  std::optional<graph::Graph> graph_;
  std::vector<graph::StagePlan> stages_;
  std::string spec_digest_;
  bool has_state_ = false;  // weights, and what belongs to them, are those of position_
  std::unique_ptr<plan::Executable> executable_;
  // Null for a job of one worker. Ends before the executable, whose gradients it may be moving.
  std::unique_ptr<Ranks> ranks_;
  JobViews views_;
  int64_t steps_per_epoch_ = 0;
  // Made after the executable, ended before it: their threads read while it trains.
  std::unique_ptr<data::BatchReader> reader_;
  std::unique_ptr<Evaluator> validator_;

  Position position_;
  bool skipped_epochs_ = false;  // since the readers were made
  plan::Totals totals_;          // of the epoch so far
  std::map<std::string, double> last_metrics_;
  int64_t next_save_micros_ = 0;
  std::unique_ptr<CheckpointWriter> writer_;  // from the first checkpoint on that is due
  // Of this epoch, in this process.
  int64_t epoch_began_micros_ = 0;
  int64_t epoch_saving_micros_ = 0;
  int64_t epoch_rows_ = 0;
};

}  // namespace gradus::trainer
