// SPDX-License-Identifier: Apache-2.0
// A thread with one place to wait in.
#include "server/worker/checkpoint_uploader.h"

#include <algorithm>
#include <utility>
#include <vector>

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
  Upload upload{.path = checkpoint.file.path, .report = {}};
  v1::CheckpointReady& ready = *upload.report.mutable_checkpoint_ready();
  ready.mutable_blob()->set_sha256(checkpoint.file.sha256);
  ready.mutable_blob()->set_size(checkpoint.file.size);
  ready.set_step(checkpoint.step);
  ready.set_epoch(checkpoint.epoch);
  ready.set_stage(checkpoint.stage);
  Enqueue(std::move(upload),
          [](const Upload& waiting) { return waiting.report.has_checkpoint_ready(); });
}

void CheckpointUploader::Add(const trainer::BestCheckpointFile& best) {
  Upload upload{.path = best.path, .report = {}};
  v1::BestCheckpointReady& ready = *upload.report.mutable_best_checkpoint_ready();
  *ready.mutable_checkpoint() = best.checkpoint;
  ready.mutable_kept_steps()->Assign(best.kept_steps.begin(), best.kept_steps.end());
  Enqueue(std::move(upload), [&best](const Upload& waiting) {
    return waiting.report.has_best_checkpoint_ready() &&
           std::ranges::find(best.kept_steps,
                             waiting.report.best_checkpoint_ready().checkpoint().step()) ==
               best.kept_steps.end();
  });
}

void CheckpointUploader::Enqueue(Upload upload, absl::FunctionRef<bool(const Upload&)> obsolete) {
  std::vector<std::string> dropped;
  {
    base::MutexLock lock(mu_);
    // The state after one step is one file, whoever asked for it.
    if (busy_path_ == upload.path) return;
    std::erase_if(waiting_, [&](const Upload& waiting) {
      if (!obsolete(waiting)) return false;
      if (waiting.path != upload.path) dropped.push_back(waiting.path);
      return true;
    });
    waiting_.push_back(std::move(upload));
    changed_.SignalAll();
  }
  for (const std::string& path : dropped) files_.Remove(path).IgnoreError();
}

absl::Status CheckpointUploader::Flush() {
  base::MutexLock lock(mu_);
  changed_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return busy_path_.empty() && waiting_.empty();
  });
  return last_;
}

void CheckpointUploader::Work() {
  while (true) {
    Upload next;
    {
      base::MutexLock lock(mu_);
      changed_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return ending_ || !waiting_.empty();
      });
      if (ending_) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
      busy_path_ = next.path;
    }
    const v1::BlobRef& blob = next.report.has_checkpoint_ready()
                                  ? next.report.checkpoint_ready().blob()
                                  : next.report.best_checkpoint_ready().checkpoint().weights();
    const absl::Status status = transfer_.Upload(next.path, blob);
    if (status.ok()) {
      outbox_.Push(std::move(next.report));
    } else {
      base::LogWarning("a checkpoint was not uploaded", {{"file", next.path}, {"error", status}});
    }
    files_.Remove(next.path).IgnoreError();
    base::MutexLock lock(mu_);
    busy_path_.clear();
    last_ = status;
    changed_.SignalAll();
  }
}

}  // namespace gradus::worker
