// SPDX-License-Identifier: Apache-2.0
#include "engine/base/frames.h"

#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/status.h"

namespace gradus::base {
namespace {

constexpr size_t kLengthBytes = 4;
// What has been given is moved out of the buffer only now and then.
constexpr size_t kTidyBytes = size_t{1} << 20;
constexpr size_t kReadBytes = size_t{64} << 10;

}  // namespace

void AppendFrame(std::string_view message, std::string* out) {
  const auto length = static_cast<uint32_t>(message.size());
  for (size_t i = 0; i < kLengthBytes; ++i)
    out->push_back(static_cast<char>((length >> (8 * i)) & 0xFF));
  out->append(message);
}

absl::StatusOr<std::optional<std::string>> FrameReader::Next() {
  if (begin_ > kTidyBytes || begin_ == buffer_.size()) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  if (buffer_.size() - begin_ < kLengthBytes) return std::nullopt;
  size_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i)
    length |= static_cast<size_t>(static_cast<unsigned char>(buffer_[begin_ + i])) << (8 * i);
  if (length > most_) return absl::DataLossError(absl::StrCat("a frame of ", length, " bytes"));
  if (buffer_.size() - begin_ - kLengthBytes < length) return std::nullopt;
  std::string message = buffer_.substr(begin_ + kLengthBytes, length);
  begin_ += kLengthBytes + length;
  return message;
}

absl::Status WriteFrame(int fd, std::string_view message) {
  std::string frame;
  AppendFrame(message, &frame);
  for (std::string_view left = frame; !left.empty();) {
    const ssize_t count = RetryOnInterrupt([&] { return ::write(fd, left.data(), left.size()); });
    if (count <= 0) return ErrnoStatus(errno, "frame");
    left.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFrame(int fd, FrameReader& reader) {
  std::string buffer(kReadBytes, '\0');
  for (;;) {
    ASSIGN_OR_RETURN(std::optional<std::string> message, reader.Next());
    if (message.has_value()) return *std::move(message);
    const ssize_t count =
        RetryOnInterrupt([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (count < 0) return ErrnoStatus(errno, "frame");
    if (count == 0)
      return reader.empty() ? absl::UnavailableError("the stream has ended")
                            : absl::DataLossError("the stream has ended within a frame");
    reader.Push(std::string_view(buffer.data(), static_cast<size_t>(count)));
  }
}

}  // namespace gradus::base
