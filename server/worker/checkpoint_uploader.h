// SPDX-License-Identifier: Apache-2.0
// Takes checkpoints to the server while training goes on.
#pragma once

#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "engine/base/files.h"
#include "engine/base/mutex.h"
#include "engine/trainer/trainer.h"
#include "server/worker/blob_transfer.h"
#include "server/worker/outbox.h"

namespace gradus::worker {

// Uploads one at a time, the newest; older ones that still wait are dropped. An upload that is done
// is reported through the outbox, and its file removed.
//   Owns     the files it is given, and a thread.
//   Threads  any.
class CheckpointUploader {
 public:
  CheckpointUploader(BlobTransfer& transfer, Outbox& outbox, base::Files& files);
  // REQUIRES: the link of the transfer is shut down, or Flush has returned.
  ~CheckpointUploader();

  void Add(const trainer::CheckpointFile& checkpoint);
  // Waits for the last one added; its upload's error.
  absl::Status Flush();

 private:
  void Work();

  BlobTransfer& transfer_;
  Outbox& outbox_;
  base::Files& files_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::optional<trainer::CheckpointFile> waiting_ ABSL_GUARDED_BY(mu_);
  std::string busy_path_ ABSL_GUARDED_BY(mu_);  // of the file that is being uploaded
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status last_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace gradus::worker
