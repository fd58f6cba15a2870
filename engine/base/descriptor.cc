// SPDX-License-Identifier: Apache-2.0
// Whole reads and writes at an offset.
#include "engine/base/descriptor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::base {
namespace {

// Linux moves at most 2 GiB less a page in one call.
constexpr size_t kMaxCall = size_t{1} << 30;

}  // namespace

absl::StatusOr<size_t> ReadFully(int fd, uint64_t offset, std::span<std::byte> dst,
                                 const std::string& name) {
  size_t done = 0;
  while (done < dst.size()) {
    const size_t want = std::min(dst.size() - done, kMaxCall);
    const ssize_t count = RetryOnInterrupt(
        [&] { return ::pread(fd, dst.data() + done, want, static_cast<off_t>(offset + done)); });
    if (count < 0) return ErrnoStatus(errno, absl::StrCat(name, ": read"));
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

absl::Status WriteFully(int fd, uint64_t offset, std::span<const std::byte> src,
                        const std::string& name) {
  size_t done = 0;
  while (done < src.size()) {
    const size_t want = std::min(src.size() - done, kMaxCall);
    const ssize_t count = RetryOnInterrupt(
        [&] { return ::pwrite(fd, src.data() + done, want, static_cast<off_t>(offset + done)); });
    if (count < 0) return ErrnoStatus(errno, absl::StrCat(name, ": write"));
    // A write of nothing without an error would loop for ever: take it for a full disk.
    if (count == 0) return ErrnoStatus(ENOSPC, absl::StrCat(name, ": write"));
    done += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

}  // namespace gradus::base
