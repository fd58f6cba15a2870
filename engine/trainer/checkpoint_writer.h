// SPDX-License-Identifier: Apache-2.0
// Writes checkpoints while training goes on.
#pragma once

#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "engine/base/mutex.h"
#include "engine/trainer/checkpoint.h"
#include "engine/trainer/trainer.h"

namespace gradus::trainer {

// One at a time: training waits for the copy of its state, not for the disk.
//   Owns     a thread, which the destructor waits for; the state until it is written.
//   Threads  one caller.
class CheckpointWriter {
 public:
  CheckpointWriter(base::Files& files, std::string dir);
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // Whether one is being written, or is written and was not taken yet.
  bool busy();
  // REQUIRES: !busy().
  void Begin(Checkpoint state);
  // What has become of it, once it is written; nothing before, and nothing twice.
  std::optional<absl::StatusOr<CheckpointFile>> Take();
  // The same, but waits; nothing only where nothing was begun.
  std::optional<absl::StatusOr<CheckpointFile>> Await();

 private:
  void Work();

  base::Files& files_;
  const std::string dir_;
  base::Mutex mu_;
  base::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<Checkpoint> waiting_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<absl::StatusOr<CheckpointFile>> written_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace gradus::trainer
