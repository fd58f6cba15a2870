// SPDX-License-Identifier: Apache-2.0
// One large block of memory, and the plan of what lies where in it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace gradus::base {

// Places named blocks one after the other, before any memory is taken.
//   Threads  one.
class ArenaLayout {
 public:
  static constexpr size_t kAlignment = 64;  // a cache line, and an AVX-512 vector

  struct Block {
    std::string name;
    size_t offset;
    size_t bytes;
  };

  // The offset of a new block, a multiple of kAlignment. INVALID_ARGUMENT when the sum does not
  // fit.
  absl::StatusOr<size_t> Add(std::string name, size_t bytes);

  // Size of the arena, a multiple of kAlignment: a pass over it in whole vectors stays inside.
  size_t total() const { return total_; }
  // In order of their offsets.
  const std::vector<Block>& blocks() const { return blocks_; }

 private:
  std::vector<Block> blocks_;
  size_t total_ = 0;
};

// A zeroed block of memory, 64-byte aligned, in huge pages where the kernel has them and the block
// is large; a page that faults lies behind it.
//   Owns     the memory: views of it end with it.
//   Threads  the object: one; its memory: as the user arranges.
class Arena {
 public:
  Arena() = default;
  // RESOURCE_EXHAUSTED when the kernel refuses.
  static absl::StatusOr<Arena> Allocate(size_t bytes);

  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<std::byte> bytes() const { return {data_, size_}; }

  // `count` elements of T that start `offset` bytes in. REQUIRES: they lie inside.
  template <typename T>
  std::span<T> At(size_t offset, size_t count) const {
    return {reinterpret_cast<T*>(data_ + offset), count};
  }

  // Bytes in all arenas of the process, now and at most so far.
  static size_t BytesInUse();
  static size_t PeakBytesInUse();

 private:
  void Release();

  std::byte* data_ = nullptr;
  size_t size_ = 0;
  void* mapping_ = nullptr;
  size_t mapping_size_ = 0;
};

}  // namespace gradus::base
