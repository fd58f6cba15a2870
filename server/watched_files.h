// SPDX-License-Identifier: Apache-2.0
// The files of the data folder: the first fault of the disk is told before anybody else hears of
// it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/files.h"

namespace gradus::server {

// Passes everything on. A change that fails with DATA_LOSS (a disk that reports an error, a sync
// that failed for any reason) calls `on_fault` first: what the disk holds is unknown then, and a
// second try would not tell. A full disk is no fault: what did not fit was refused, and may fit
// later. Nor is a failed read: it harms whoever needs those bytes.
//   Owns     nothing; `base` must outlive it.
//   Threads  any; `on_fault` is called on the one that met the fault.
class WatchedFiles final : public base::Files {
 public:
  using OnFault = std::function<void(const absl::Status&)>;
  WatchedFiles(base::Files& base, OnFault on_fault);

  absl::StatusOr<std::unique_ptr<base::File>> OpenRead(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<base::File>> OpenWrite(const std::string& path,
                                                        const base::OpenOptions& options) override;
  absl::StatusOr<base::TemporaryFile> CreateTemporary(const std::string& dir) override;
  absl::StatusOr<base::MappedFile> Map(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status SyncDir(const std::string& dir) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override;
  absl::StatusOr<base::FileInfo> Stat(const std::string& path) override;
  absl::Status MakeDir(const std::string& dir, uint32_t mode) override;
  absl::StatusOr<std::unique_ptr<base::FileLock>> Lock(const std::string& path) override;

 private:
  base::Files& base_;
  const OnFault on_fault_;
};

}  // namespace gradus::server
