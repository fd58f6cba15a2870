// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all, hashed as it is written.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "engine/base/sha256.h"
#include "engine/trainer/trainer.h"

namespace gradus::trainer {

// Temporary file, bytes, Sync, Rename, SyncDir. Until Commit nothing is seen under the final name;
// a writer that is dropped leaves nothing.
//   Threads  one.
//   Errors   UNAVAILABLE: a disk that is full or fails now may not tomorrow. After an error only
//   the destructor may follow.
class StoredFileWriter {
 public:
  static absl::StatusOr<StoredFileWriter> Create(base::Files& files, const std::string& dir);
  StoredFileWriter(StoredFileWriter&&) = default;
  ~StoredFileWriter();

  absl::Status Append(std::span<const std::byte> bytes);
  // Puts the file at DIR/NAME, durably.
  absl::StatusOr<StoredFile> Commit(const std::string& name);

 private:
  StoredFileWriter(base::Files& files, std::string dir, base::TemporaryFile temporary);

  base::Files* files_;
  std::string dir_;
  std::string temporary_path_;
  std::unique_ptr<base::File> file_;  // null once moved from or committed
  base::Sha256 hash_;
  int64_t size_ = 0;
};

}  // namespace gradus::trainer
