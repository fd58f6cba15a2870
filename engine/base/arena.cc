// SPDX-License-Identifier: Apache-2.0
// Arenas straight from the kernel.
#include "engine/base/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/checked.h"
#include "engine/base/status.h"

namespace gradus::base {
namespace {

constexpr size_t kHugePage = size_t{2} << 20U;

std::atomic<size_t> bytes_in_use{0};
std::atomic<size_t> peak_bytes_in_use{0};

void CountAllocation(size_t bytes) {
  const size_t now = bytes_in_use.fetch_add(bytes) + bytes;
  size_t peak = peak_bytes_in_use.load();
  while (peak < now && !peak_bytes_in_use.compare_exchange_weak(peak, now)) {
  }
}

std::byte* AlignUp(void* address, size_t alignment) {
  const auto value = reinterpret_cast<uintptr_t>(address);
  return static_cast<std::byte*>(address) + ((alignment - value % alignment) % alignment);
}

}  // namespace

absl::StatusOr<size_t> ArenaLayout::Add(std::string name, size_t bytes) {
  const size_t offset = total_;
  ASSIGN_OR_RETURN(const size_t end, CheckedAdd(offset, bytes));
  ASSIGN_OR_RETURN(total_, CheckedAlignUp(end, kAlignment));
  blocks_.push_back(Block{std::move(name), offset, bytes});
  return offset;
}

absl::StatusOr<Arena> Arena::Allocate(size_t bytes) {
  Arena arena;
  if (bytes == 0) return arena;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t alignment = bytes >= kHugePage ? kHugePage : page;
  ASSIGN_OR_RETURN(const size_t in_pages, CheckedAlignUp(bytes, page));
  ASSIGN_OR_RETURN(const size_t mapping_size, CheckedAdd(in_pages, alignment + page));
  void* const mapping =
      ::mmap(nullptr, mapping_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    return ErrnoStatus(errno, absl::StrCat("cannot allocate an arena of ", bytes, " bytes"));
  arena.mapping_ = mapping;
  arena.mapping_size_ = mapping_size;
  arena.data_ = AlignUp(mapping, alignment);
  arena.size_ = bytes;
  CountAllocation(bytes);
  // Both are favours: without them the arena works as well, only slower or with worse manners on
  // overrun.
  if (alignment == kHugePage) ::madvise(arena.data_, in_pages, MADV_HUGEPAGE);
  ::mprotect(arena.data_ + in_pages, page, PROT_NONE);
  return arena;
}

Arena::Arena(Arena&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapping_(std::exchange(other.mapping_, nullptr)),
      mapping_size_(std::exchange(other.mapping_size_, 0)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  if (this != &other) {
    Release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    mapping_ = std::exchange(other.mapping_, nullptr);
    mapping_size_ = std::exchange(other.mapping_size_, 0);
  }
  return *this;
}

Arena::~Arena() { Release(); }

void Arena::Release() {
  if (mapping_ == nullptr) return;
  ::munmap(std::exchange(mapping_, nullptr), mapping_size_);
  bytes_in_use.fetch_sub(size_);
}

size_t Arena::BytesInUse() { return bytes_in_use.load(); }

size_t Arena::PeakBytesInUse() { return peak_bytes_in_use.load(); }

}  // namespace gradus::base
