// SPDX-License-Identifier: Apache-2.0
#include "engine/trainer/checkpoint_writer.h"

#include <pthread.h>

#include <new>
#include <utility>

#include "engine/base/failpoint.h"
#include "engine/base/status.h"

namespace gradus::trainer {
namespace {

absl::StatusOr<CheckpointFile> Write(base::Files& files, const std::string& dir,
                                     const Checkpoint& state) {
  try {
    FAILPOINT_STATUS("trainer.checkpoint.before_write");
    ASSIGN_OR_RETURN(StoredFile file, WriteCheckpoint(files, dir, state));
    FAILPOINT_STATUS("trainer.checkpoint.after_write");
    return CheckpointFile{std::move(file), state.position.step, state.position.epoch,
                          state.position.stage};
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory for writing a checkpoint");
  }
}

}  // namespace

CheckpointWriter::CheckpointWriter(base::Files& files, std::string dir)
    : files_(files), dir_(std::move(dir)), thread_([this] { Work(); }) {}

CheckpointWriter::~CheckpointWriter() {
  {
    base::MutexLock lock(mu_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

bool CheckpointWriter::busy() {
  base::MutexLock lock(mu_);
  return waiting_.has_value() || writing_ || written_.has_value();
}

void CheckpointWriter::Begin(Checkpoint state) {
  base::MutexLock lock(mu_);
  waiting_ = std::move(state);
  changed_.SignalAll();
}

std::optional<absl::StatusOr<CheckpointFile>> CheckpointWriter::Take() {
  base::MutexLock lock(mu_);
  return std::exchange(written_, std::nullopt);
}

std::optional<absl::StatusOr<CheckpointFile>> CheckpointWriter::Await() {
  base::MutexLock lock(mu_);
  changed_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !waiting_.has_value() && !writing_;
  });
  return std::exchange(written_, std::nullopt);
}

void CheckpointWriter::Work() {
  pthread_setname_np(pthread_self(), "gradus-save");
  while (true) {
    std::optional<Checkpoint> state;
    {
      base::MutexLock lock(mu_);
      changed_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return stopping_ || waiting_.has_value();
      });
      if (stopping_) return;
      state = std::exchange(waiting_, std::nullopt);
      writing_ = true;
    }
    absl::StatusOr<CheckpointFile> written = Write(files_, dir_, *state);
    state.reset();
    base::MutexLock lock(mu_);
    writing_ = false;
    written_ = std::move(written);
    changed_.SignalAll();
  }
}

}  // namespace gradus::trainer
