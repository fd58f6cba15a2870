// SPDX-License-Identifier: Apache-2.0
// A thread with one place to wait in.
#include "server/worker/checkpoint_uploader.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/log.h"
#include "engine/base/status.h"

namespace gradus::worker {
namespace {

absl::Status SendFiles(BlobTransfer& transfer, std::span<const trainer::StoredFile> files) {
  for (const trainer::StoredFile& file : files) {
    v1::BlobRef ref;
    ref.set_sha256(file.sha256);
    ref.set_size(file.size);
    RETURN_IF_ERROR(transfer.Upload(file.path, ref));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status UploadWeights(BlobTransfer& transfer, const trainer::StoredWeights& weights) {
  RETURN_IF_ERROR(SendFiles(transfer, weights.pieces));
  return SendFiles(transfer, std::span(&weights.index, 1));
}

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
  Upload upload{.files = {checkpoint.file}, .report = {}};
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
  Upload upload{.files = best.weights.pieces, .report = {}};
  upload.files.push_back(best.weights.index);
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
  std::vector<Upload> dropped;
  {
    base::MutexLock lock(mu_);
    // The state after one step is one file, whoever asked for it.
    if (busy_path_ == upload.path()) return;
    std::erase_if(waiting_, [&](const Upload& waiting) {
      if (!obsolete(waiting)) return false;
      if (waiting.path() != upload.path()) dropped.push_back(waiting);
      return true;
    });
    waiting_.push_back(std::move(upload));
    changed_.SignalAll();
  }
  Remove(dropped);
}

void CheckpointUploader::Remove(const std::vector<Upload>& uploads) {
  for (const Upload& upload : uploads) {
    for (const trainer::StoredFile& file : upload.files) files_.Remove(file.path).IgnoreError();
  }
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
      busy_path_ = next.path();
    }
    const absl::Status status = SendFiles(transfer_, next.files);
    if (status.ok()) {
      outbox_.Push(next.report);
    } else {
      base::LogWarning("a checkpoint was not uploaded", {{"file", next.path()}, {"error", status}});
    }
    Remove({next});
    base::MutexLock lock(mu_);
    busy_path_.clear();
    last_ = status;
    changed_.SignalAll();
  }
}

}  // namespace gradus::worker
