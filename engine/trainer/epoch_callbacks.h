// SPDX-License-Identifier: Apache-2.0
// A job's callbacks with what they remember in the stage that is running.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/plan/executable.h"
#include "engine/plan/tensor_list.h"
#include "engine/trainer/trainer.h"
#include "engine/training/callbacks/kind.h"
#include "gradus/v1/training.pb.h"

namespace gradus::trainer {

// What a checkpoint holds of callbacks.
struct CallbackMemory {
  // Of all callbacks, one behind the other.
  std::vector<double> numbers;
  // The learning rate that a callback has set; below 0: none has.
  double learning_rate = -1;
  // Weights that the stage goes on with when it ends; empty: those that it ends with.
  std::vector<plan::NamedTensor> kept_weights;
};

// Calls each after an epoch and does what they say.
//   Threads  one.
class EpochCallbacks {
 public:
  // The specs are checked; they hold in every stage.
  explicit EpochCallbacks(std::vector<v1::Callback> specs) : specs_(std::move(specs)) {}

  // For a new stage, the first one too, with callbacks of its own.
  void Reset(std::span<const v1::Callback> of_stage);
  // Whether the stage ends here.
  bool AfterEpoch(const callbacks::Epoch& epoch, plan::Executable& executable, Callback& events);
  // Puts kept weights in place.
  absl::Status EndStage(plan::Executable& executable);

  const CallbackMemory& memory() const { return memory_; }
  // DATA_LOSS for a memory that is not these callbacks'.
  absl::Status Restore(CallbackMemory memory, plan::Executable& executable);

 private:
  const std::vector<v1::Callback> specs_;
  std::vector<v1::Callback> current_;  // with that of the stage
  CallbackMemory memory_;
};

}  // namespace gradus::trainer
