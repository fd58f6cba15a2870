// SPDX-License-Identifier: Apache-2.0
// What the readers of uploads have in common: bytes in from one descriptor, out to another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/descriptor.h"
#include "engine/base/status.h"

namespace gradus::worker {

// Arrays that a file may have to be columns.
inline constexpr size_t kMaxArrays = 1024;

// One file of a request; the descriptors are borrowed.
struct FileTask {
  int input = -1;
  int output = -1;
  std::string format;   // a v1::UploadFile::Format by its name
  bool labels = false;  // whether to count the values of a column of numbers
};

// The values of a file, one array behind the other.
//   Threads  one.
//   Errors   INVALID_ARGUMENT beyond the limit; of the descriptor.
class OutputFile {
 public:
  OutputFile(int fd, uint64_t limit) : fd_(fd), limit_(limit) {}

  absl::Status Append(std::span<const std::byte> bytes) {
    if (bytes.size() > left())
      return absl::InvalidArgumentError("more values than an upload may have");
    RETURN_IF_ERROR(base::WriteFully(fd_, written_, bytes, "output"));
    written_ += bytes.size();
    return absl::OkStatus();
  }
  uint64_t written() const { return written_; }
  uint64_t left() const { return limit_ - written_; }

 private:
  int fd_;
  uint64_t limit_;
  uint64_t written_ = 0;
};

// The columns of one file, as RunParse answers them but without "file"; their values go to
// `output`.
//   Errors  INVALID_ARGUMENT or UNIMPLEMENTED for what is wrong with the file.
absl::StatusOr<nlohmann::json> ReadColumns(const FileTask& task, OutputFile& output);

// The model in a file, as RunParse answers it; its weights go to `output`, piece by piece.
//   spec     a serialized v1::ModelSpec; empty for a file that has a definition of its own.
//   Errors   as ReadColumns.
absl::StatusOr<nlohmann::json> ReadModel(const FileTask& task, const std::string& spec,
                                         OutputFile& output);

}  // namespace gradus::worker
