// SPDX-License-Identifier: Apache-2.0
// Takes checkpoints to the server while training goes on.
#pragma once

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "engine/base/files.h"
#include "engine/base/mutex.h"
#include "engine/trainer/trainer.h"
#include "server/worker/blob_transfer.h"
#include "server/worker/outbox.h"

namespace gradus::worker {

// Uploads one at a time, in the order in which they come. Those that still wait are dropped when
// they are of no more use: a checkpoint for a newer one, a best one that no later one counts among
// the best. An upload that is done is reported through the outbox, and its file removed.
//   Owns     the files it is given, and a thread.
//   Threads  any.
class CheckpointUploader {
 public:
  CheckpointUploader(BlobTransfer& transfer, Outbox& outbox, base::Files& files);
  // REQUIRES: the link of the transfer is shut down, or Flush has returned.
  ~CheckpointUploader();

  void Add(const trainer::CheckpointFile& checkpoint);
  void Add(const trainer::BestCheckpointFile& best);
  // Waits for all that were added; the error of the last upload.
  absl::Status Flush();

 private:
  struct Upload {
    std::vector<trainer::StoredFile> files;  // in this order; the last one's path names it
    v1::WorkerEvent report;

    const std::string& path() const { return files.back().path; }
  };

  // Drops what waits and is `obsolete`; adds `upload` behind the rest.
  void Enqueue(Upload upload, absl::FunctionRef<bool(const Upload&)> obsolete);
  void Work();
  void Remove(const std::vector<Upload>& uploads);

  BlobTransfer& transfer_;
  Outbox& outbox_;
  base::Files& files_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::deque<Upload> waiting_ ABSL_GUARDED_BY(mu_);
  std::string busy_path_ ABSL_GUARDED_BY(mu_);  // of what is being uploaded
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status last_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

// The pieces, then the index. What the server has already is not sent again.
absl::Status UploadWeights(BlobTransfer& transfer, const trainer::StoredWeights& weights);

}  // namespace gradus::worker
