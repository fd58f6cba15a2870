// SPDX-License-Identifier: Apache-2.0
// A thread with one place to wait in.
#include "server/worker/checkpoint_uploader.h"

#include <utility>

#include "engine/base/log.h"

namespace gradus::worker {

CheckpointUploader::CheckpointUploader(BlobTransfer& transfer, Outbox& outbox, base::Files& files)
    : transfer_(transfer), outbox_(outbox), files_(files), thread_([this] { Work(); }) {}

CheckpointUploader::~CheckpointUploader() {
  {
    base::MutexLock lock(mu_);
    ending_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

void CheckpointUploader::Add(const trainer::CheckpointFile& checkpoint) {
  std::optional<trainer::CheckpointFile> dropped = checkpoint;
  {
    base::MutexLock lock(mu_);
    // The state after one step is one file, whoever asked for it.
    if (busy_path_ == checkpoint.file.path) return;
    std::swap(dropped, waiting_);
    changed_.SignalAll();
  }
  if (dropped.has_value() && dropped->file.path != checkpoint.file.path)
    files_.Remove(dropped->file.path).IgnoreError();
}

absl::Status CheckpointUploader::Flush() {
  base::MutexLock lock(mu_);
  changed_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return busy_path_.empty() && !waiting_.has_value();
  });
  return last_;
}

void CheckpointUploader::Work() {
  while (true) {
    trainer::CheckpointFile next;
    {
      base::MutexLock lock(mu_);
      changed_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return ending_ || waiting_.has_value();
      });
      if (ending_) return;
      next = *std::exchange(waiting_, std::nullopt);
      busy_path_ = next.file.path;
    }
    v1::WorkerEvent ready;
    v1::CheckpointReady* checkpoint = ready.mutable_checkpoint_ready();
    checkpoint->mutable_blob()->set_sha256(next.file.sha256);
    checkpoint->mutable_blob()->set_size(next.file.size);
    checkpoint->set_step(next.step);
    checkpoint->set_epoch(next.epoch);
    checkpoint->set_stage(next.stage);
    const absl::Status status = transfer_.Upload(next.file.path, checkpoint->blob());
    if (status.ok()) {
      outbox_.Push(std::move(ready));
    } else {
      base::LogWarning("a checkpoint was not uploaded", {{"step", next.step}, {"error", status}});
    }
    files_.Remove(next.file.path).IgnoreError();
    base::MutexLock lock(mu_);
    busy_path_.clear();
    last_ = status;
    changed_.SignalAll();
  }
}

}  // namespace gradus::worker
