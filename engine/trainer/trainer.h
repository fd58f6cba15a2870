// SPDX-License-Identifier: Apache-2.0
// Runs a whole job: stages, epochs, validation and test, checkpoints, exact resume; or folds a
// model, or looks for how many layers of one to reuse.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "engine/data/view.h"
#include "engine/trainer/control.h"
#include "engine/trainer/workers.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/events.pb.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/model.pb.h"

namespace gradus::trainer {

struct TrainerInputs {
  v1::JobSpec spec;                   // effective: every default filled in
  std::vector<v1::Dataset> datasets;  // those that spec.data names
  // Gives a blob's bytes, verified against their digest: DATA_LOSS or NOT_FOUND for one that cannot
  // be had so.
  data::BlobOpener open_blob;
  // To go on from, newest first: the first one that is whole is taken. Empty: the run starts anew.
  std::vector<v1::BlobRef> checkpoints;
  // Indices of the weights of the published models that the spec speaks of, by MODEL@VERSION.
  std::map<std::string, v1::BlobRef> models;
  std::string work_dir;   // where checkpoints and weights are written
  std::vector<int> cpus;  // where training may run; empty: anywhere
  // The other ranks of the job; null: it has this one alone.
  Workers* workers = nullptr;
  bool leader = true;  // of the ranks: writes checkpoints and tells events
  base::Files* files = &base::RealFiles();
  base::Clock* clock = &base::RealClock();
};

// A written file and its digest.
struct StoredFile {
  std::string path;
  std::string sha256;
  int64_t size = 0;
};

// Weights as they are stored: the pieces that the index names, in its order
// (gradus/v1/weights.proto).
struct StoredWeights {
  StoredFile index;
  std::vector<StoredFile> pieces;
};

struct CheckpointFile {
  StoredFile file;
  int64_t step = 0;   // done in the run
  int64_t epoch = 0;  // whole ones done in the run
  int stage = 0;
};

// The weights at the end of one of the best epochs.
struct BestCheckpointFile {
  StoredWeights weights;
  v1::BestCheckpoint checkpoint;
  // Best first, this one among them: what was told of others is to be kept no longer.
  std::vector<int64_t> kept_steps;
};

// What a run tells while it runs.
//   Threads  called on the thread that called Train, between steps: must return soon.
class Callback {
 public:
  virtual ~Callback() = default;
  // stage_started, progress, epoch_finished, evaluated, learning_rate_tried, model_folded,
  // weights_taken, transfer_tried and log_line; seq, time and attempt are left to others.
  virtual void OnEvent(const v1::Event& event) = 0;
  // A checkpoint is durable in work_dir; the file is the callback's from now on, to remove when it
  // has served. An error ends the run.
  virtual absl::Status OnCheckpoint(const CheckpointFile& checkpoint) = 0;
  // Likewise. A later OnCheckpoint counts on it: whoever goes on from there is not told again.
  virtual absl::Status OnBestCheckpoint(const BestCheckpointFile& best) = 0;
};

struct TrainResult {
  enum class Outcome { kDone, kStopped, kCancelled };
  Outcome outcome = Outcome::kDone;
  // With kDone: the final weights in work_dir, f32, published shapes, in the order of the layers.
  StoredWeights weights;
  std::string weights_sha256;             // as in Job.weights_sha256
  std::optional<v1::ModelSpec> model;     // what the weights belong to, where it is not spec.model
  std::map<std::string, double> metrics;  // the last values by name
};

// Does what `inputs.spec` says until the end, or until `control` asks for another one. The same
// spec, data, instruction set, oneDNN and (with one logical shard) core count give the same
// weights_sha256, however often the run was stopped and resumed.
//   Threads  returns when all of its threads have ended; `control` may be used from any thread
//            meanwhile.
//   Errors   INVALID_ARGUMENT with the field's path for a spec that does not fit the data;
//            FAILED_PRECONDITION for a checkpoint of another spec and a model without anything to
//            fold; OUT_OF_RANGE when the loss or a weight is no longer finite, naming the step and
//            where it can be told the layer, and when a folded model gives other outputs;
//            RESOURCE_EXHAUSTED when memory cannot be had; UNAVAILABLE when a file cannot be
//            written; the callback's errors as they are.
absl::StatusOr<TrainResult> Train(const TrainerInputs& inputs, Control& control,
                                  Callback& callback);

}  // namespace gradus::trainer
