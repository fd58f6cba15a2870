// SPDX-License-Identifier: Apache-2.0
// A file descriptor that is closed once, and the system calls on one that loop over EINTR and short
// counts.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::base {

// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  // Linux frees the number even when close reports EINTR: never close twice.
  void Reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// Calls `call` until it does not fail with EINTR; returns what it returned, with errno as it left
// it.
template <typename Call>
auto RetryOnInterrupt(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// pread and pwrite of the whole span; `name` is for messages. ReadFully returns less only at the
// file's end.
absl::StatusOr<size_t> ReadFully(int fd, uint64_t offset, std::span<std::byte> dst,
                                 const std::string& name);
absl::Status WriteFully(int fd, uint64_t offset, std::span<const std::byte> src,
                        const std::string& name);

}  // namespace gradus::base
