// SPDX-License-Identifier: Apache-2.0
// The state of a run between two steps, as a file that tells by itself whether it is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "engine/plan/executable.h"
#include "engine/plan/tensor_list.h"
#include "engine/trainer/best_epochs.h"
#include "engine/trainer/epoch_callbacks.h"
#include "engine/trainer/trainer.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/job.pb.h"

namespace gradus::trainer {

// Where a run stands.
struct Position {
  int stage = 0;      // the one that weights and slots belong to
  int64_t epoch = 0;  // over the whole run; those before it are done
  int64_t step_in_epoch =
      0;             // steps done in it; all of them when only its validation is still to come
  int64_t step = 0;  // done in the run

  bool operator==(const Position&) const = default;
};

// What a run's bits depend on beside its spec.
struct Provenance {
  std::string isa;
  std::string onednn;
  int threads = 1;

  bool operator==(const Provenance&) const = default;
};

struct Checkpoint {
  Position position;
  plan::Totals totals;  // of the epoch so far
  std::string spec_digest;
  Provenance provenance;
  std::vector<plan::NamedTensor> weights;
  std::vector<plan::NamedTensor> slots;
  int64_t optimizer_steps = 0;  // since the slots were zeros
  CallbackMemory callbacks;
  std::vector<BestEpoch> best;  // of the run so far, best first
};

// Digest over the parts of a job that its weights follow from: model, data, loss, optimizer,
// metrics, fit (but not how often it is saved), and the datasets' own digests.
std::string SpecDigest(const v1::JobSpec& spec, std::span<const v1::Dataset> datasets);

// Writes `checkpoint` to DIR/checkpoint-STEP.safetensors, whole or not at all. Equal checkpoints
// give equal bytes.
absl::StatusOr<StoredFile> WriteCheckpoint(base::Files& files, const std::string& dir,
                                           const Checkpoint& checkpoint);

// The same bytes in memory.
absl::StatusOr<std::string> EncodeCheckpoint(const Checkpoint& checkpoint);

// Reads bytes that nobody vouches for.
//   Errors   DATA_LOSS for anything but what WriteCheckpoint wrote, to the last bit.
absl::StatusOr<Checkpoint> ReadCheckpoint(std::span<const std::byte> bytes);

}  // namespace gradus::trainer
