// SPDX-License-Identifier: Apache-2.0
// A queue of byte strings in a file: where events wait that memory should not hold.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/base/files.h"

namespace gradus::worker {

// First in, first out. Not durable: what it holds belongs to this process's life alone.
//   Owns     the file, which is made with the first record and emptied when the last one is taken.
//   Threads  one at a time.
//   Errors   those of the file; a spool that failed once takes nothing more and gives what it can.
class Spool {
 public:
  Spool(base::Files& files, std::string path) : files_(files), path_(std::move(path)) {}

  bool empty() const { return read_at_ == write_at_; }
  // Bytes that wait.
  uint64_t size() const { return write_at_ - read_at_; }

  absl::Status Push(absl::string_view record);
  // REQUIRES: !empty().
  absl::StatusOr<std::string> Pop();
  // Forgets what waits.
  void Clear() { read_at_ = write_at_ = 0; }

 private:
  base::Files& files_;
  const std::string path_;
  std::unique_ptr<base::File> file_;
  uint64_t read_at_ = 0;
  uint64_t write_at_ = 0;
  absl::Status failed_;
};

}  // namespace gradus::worker
