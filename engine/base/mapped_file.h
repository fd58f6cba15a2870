// SPDX-License-Identifier: Apache-2.0
// A file's bytes in memory, read-only.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>

namespace gradus::base {

// Read-only bytes that stay valid and in place as long as this object lives (moves do not move the
// bytes).
//   Owns     the mapping, or whatever `release` frees.
//   Threads  reading: any.
class MappedFile {
 public:
  MappedFile() = default;
  // `release` is called once, when the bytes are no longer needed.
  MappedFile(std::span<const std::byte> bytes, std::function<void()> release)
      : bytes_(bytes), release_(std::move(release)) {}
  MappedFile(MappedFile&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})), release_(std::exchange(other.release_, nullptr)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    if (this != &other) {
      if (release_) release_();
      bytes_ = std::exchange(other.bytes_, {});
      release_ = std::exchange(other.release_, nullptr);
    }
    return *this;
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
    if (release_) release_();
  }

  std::span<const std::byte> bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
  std::function<void()> release_;
};

}  // namespace gradus::base
