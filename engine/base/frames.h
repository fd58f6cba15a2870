// SPDX-License-Identifier: Apache-2.0
// Messages on a stream of bytes: each with its length in front, four bytes, little endian.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::base {

// No message is longer.
inline constexpr size_t kMaxFrameBytes = size_t{64} << 20;

// REQUIRES: message.size() <= kMaxFrameBytes.
void AppendFrame(std::string_view message, std::string* out);

// Puts a stream's messages together again.
//   Threads  one.
class FrameReader {
 public:
  // `most`: bytes of the largest message that is taken.
  explicit FrameReader(size_t most = kMaxFrameBytes) : most_(most) {}

  void Push(std::string_view bytes) { buffer_.append(bytes); }
  // The next whole message, or nothing yet. DATA_LOSS for one that is announced too long.
  absl::StatusOr<std::optional<std::string>> Next();
  // Whether nothing is left of what was pushed.
  bool empty() const { return begin_ == buffer_.size(); }

 private:
  const size_t most_;
  std::string buffer_;
  size_t begin_ = 0;  // of what has not been given yet
};

// One message to or from a descriptor that blocks.
//   Errors   ReadFrame: UNAVAILABLE where the stream ends, DATA_LOSS where that is within a message.
absl::Status WriteFrame(int fd, std::string_view message);
absl::StatusOr<std::string> ReadFrame(int fd, FrameReader& reader);

}  // namespace gradus::base
