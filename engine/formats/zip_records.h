// SPDX-License-Identifier: Apache-2.0
// The records of a ZIP archive, each out of bytes that are there whole. Nothing is checked across
// records: see zip_directory.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace gradus::formats {

inline constexpr size_t kZipEndBytes = 22;
inline constexpr size_t kZip64EndBytes = 56;
inline constexpr size_t kZip64LocatorBytes = 20;
inline constexpr size_t kZipEntryBytes = 46;
inline constexpr size_t kZipLocalBytes = 30;

// What both headers of a member say. Sizes are those of the ZIP64 field where the header refers to
// it.
struct ZipHeader {
  std::string name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint64_t stored_size = 0;  // in the archive
  uint64_t size = 0;         // inflated
  uint64_t offset = 0;       // of the local header; the central header's word alone
};

// Where the central directory lies.
struct ZipEnd {
  uint64_t members = 0;
  uint64_t directory_size = 0;
  uint64_t directory_offset = 0;
};

// How long a header is with name, extra fields and comment.
//   REQUIRES  kZipEntryBytes or kZipLocalBytes bytes.
size_t ZipEntrySize(std::span<const std::byte> entry);
size_t ZipLocalSize(std::span<const std::byte> local);

// Reads an entry of the central directory, or a local header.
//   REQUIRES  as many bytes as the functions above say.
//   Errors    INVALID_ARGUMENT: another signature, extra fields that do not add up, a ZIP64 field
//             that is missing.
absl::StatusOr<ZipHeader> ParseZipEntry(std::span<const std::byte> entry);
absl::StatusOr<ZipHeader> ParseZipLocal(std::span<const std::byte> local);

// Reads the record at an archive's end.
//   REQUIRES  kZipEndBytes bytes.
//   Errors    INVALID_ARGUMENT: another signature, a comment, several disks.
absl::StatusOr<ZipEnd> ParseZipEnd(std::span<const std::byte> end);

// Whether these kZip64LocatorBytes, which lie before the end, are a ZIP64 locator.
bool IsZip64Locator(std::span<const std::byte> locator);

// Reads the ZIP64 record, which must lie at `offset`, as the locator has to say.
//   REQUIRES  kZip64EndBytes and kZip64LocatorBytes bytes.
//   Errors    INVALID_ARGUMENT: another signature, place or length, several disks, other words than
//             those of the plain record, `end`, where this has some.
absl::StatusOr<ZipEnd> ParseZip64End(std::span<const std::byte> record,
                                     std::span<const std::byte> locator, uint64_t offset,
                                     const ZipEnd& end);

}  // namespace gradus::formats
