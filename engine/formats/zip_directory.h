// SPDX-License-Identifier: Apache-2.0
// The members of a ZIP archive, of which each is checked against all others before any is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::formats {

// Reads at an offset of the archive as much as `dst` holds, less only at the end; returns how much
// (base::ReadFully is one).
using ReadAt = std::function<absl::StatusOr<size_t>(uint64_t offset, std::span<std::byte> dst)>;

// All of `dst`.
//   Errors  INVALID_ARGUMENT where the archive ends before; the source's own.
absl::Status ReadWhole(const ReadAt& source, uint64_t offset, std::span<std::byte> dst);

// One file in the archive.
struct ZipMember {
  std::string name;  // as it stands there: any bytes, at most kMaxZipName
  bool deflated = false;
  uint32_t crc = 0;           // CRC-32 of the inflated bytes
  uint64_t data_begin = 0;    // in the archive
  uint64_t stored_bytes = 0;  // there
  uint64_t size = 0;          // inflated
};

inline constexpr size_t kMaxZipMembers = 1'024;
inline constexpr size_t kMaxZipName = 256;

// Reads the central directory and every local header, in the order in which members lie.
//   Owns    at most 1 MiB while it reads.
//   Errors  INVALID_ARGUMENT: no archive, a comment at its end, several disks, no or too many
//           members, a name too long or twice; a directory that does not end where the archive's
//           end begins; a member that is encrypted, neither stored nor deflated, larger than its
//           stored bytes can inflate to, that overlaps another one or the directory, or whose local
//           header says something else than the directory. The source's own errors.
//   Source  APPNOTE.TXT 6.3; Fifield 2019, "A better zip bomb", for why members must not overlap.
absl::StatusOr<std::vector<ZipMember>> ReadZipDirectory(const ReadAt& source, uint64_t file_size);

}  // namespace gradus::formats
