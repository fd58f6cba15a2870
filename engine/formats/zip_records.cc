// SPDX-License-Identifier: Apache-2.0
// Fields at fixed places, little endian (APPNOTE.TXT 6.3, sections 4.3 and 4.5.3).
#include "engine/formats/zip_records.h"

#include <bit>
#include <cstring>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::formats {
namespace {

static_assert(std::endian::native == std::endian::little, "fields are used as they lie");

constexpr uint32_t kEntrySignature = 0x02014b50;
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kZip64EndSignature = 0x06064b50;
constexpr uint32_t kZip64LocatorSignature = 0x07064b50;
constexpr uint16_t kZip64Field = 1;
constexpr uint64_t kNoneIn16 = std::numeric_limits<uint16_t>::max();
constexpr uint64_t kNoneIn32 = std::numeric_limits<uint32_t>::max();

absl::Status Refuse(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("zip: ", what));
}

// REQUIRES: the field lies within `bytes`.
template <typename T>
T Field(std::span<const std::byte> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.subspan(at, sizeof(T)).data(), sizeof(T));
  return value;
}

// Finds the ZIP64 field among the extra fields; empty where there is none.
absl::StatusOr<std::span<const std::byte>> FindZip64(std::span<const std::byte> extra) {
  std::span<const std::byte> found;
  while (!extra.empty()) {
    if (extra.size() < 4) return Refuse("extra fields end early");
    const auto id = Field<uint16_t>(extra, 0);
    const size_t size = Field<uint16_t>(extra, 2);
    if (extra.size() - 4 < size) return Refuse("extra fields end early");
    if (id == kZip64Field) {
      if (!found.empty()) return Refuse("a ZIP64 field comes twice");
      found = extra.subspan(4, size);
    }
    extra = extra.subspan(4 + size);
  }
  return found;
}

// Takes the next number of the ZIP64 field where the plain one has no room for it.
absl::Status TakeZip64(std::span<const std::byte>& field, uint64_t& value) {
  if (value != kNoneIn32) return absl::OkStatus();
  if (field.size() < sizeof(uint64_t)) return Refuse("a ZIP64 field is missing or too short");
  value = Field<uint64_t>(field, 0);
  field = field.subspan(sizeof(uint64_t));
  return absl::OkStatus();
}

// What both kinds of headers have in common: fields in this order from `fields` on, then name and
// extra fields at `name_at`.
absl::StatusOr<ZipHeader> ParseHeader(std::span<const std::byte> bytes, size_t fields,
                                      size_t name_at, uint64_t offset) {
  ZipHeader header;
  header.flags = Field<uint16_t>(bytes, fields);
  header.method = Field<uint16_t>(bytes, fields + 2);
  header.crc = Field<uint32_t>(bytes, fields + 8);
  header.stored_size = Field<uint32_t>(bytes, fields + 12);
  header.size = Field<uint32_t>(bytes, fields + 16);
  header.offset = offset;
  const size_t name_size = Field<uint16_t>(bytes, fields + 20);
  const size_t extra_size = Field<uint16_t>(bytes, fields + 22);
  const std::span<const std::byte> name = bytes.subspan(name_at, name_size);
  header.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
  ASSIGN_OR_RETURN(std::span<const std::byte> zip64,
                   FindZip64(bytes.subspan(name_at + name_size, extra_size)));
  RETURN_IF_ERROR(TakeZip64(zip64, header.size));
  RETURN_IF_ERROR(TakeZip64(zip64, header.stored_size));
  RETURN_IF_ERROR(TakeZip64(zip64, header.offset));
  return header;
}

}  // namespace

size_t ZipEntrySize(std::span<const std::byte> entry) {
  return kZipEntryBytes + Field<uint16_t>(entry, 28) + Field<uint16_t>(entry, 30) +
         Field<uint16_t>(entry, 32);
}

size_t ZipLocalSize(std::span<const std::byte> local) {
  return kZipLocalBytes + Field<uint16_t>(local, 26) + Field<uint16_t>(local, 28);
}

absl::StatusOr<ZipHeader> ParseZipEntry(std::span<const std::byte> entry) {
  if (Field<uint32_t>(entry, 0) != kEntrySignature)
    return Refuse("something else lies in the central directory");
  if (Field<uint16_t>(entry, 34) != 0) return Refuse("it has several disks");
  return ParseHeader(entry, 8, kZipEntryBytes, Field<uint32_t>(entry, 42));
}

absl::StatusOr<ZipHeader> ParseZipLocal(std::span<const std::byte> local) {
  if (Field<uint32_t>(local, 0) != kLocalSignature) return Refuse("it has no header of its own");
  return ParseHeader(local, 6, kZipLocalBytes, 0);
}

absl::StatusOr<ZipEnd> ParseZipEnd(std::span<const std::byte> end) {
  if (Field<uint32_t>(end, 0) != kEndSignature || Field<uint16_t>(end, 20) != 0)
    return Refuse("its last 22 bytes are not the end of an archive without a comment");
  const auto members = Field<uint16_t>(end, 10);
  if (Field<uint16_t>(end, 4) != 0 || Field<uint16_t>(end, 6) != 0 ||
      Field<uint16_t>(end, 8) != members) {
    return Refuse("it has several disks");
  }
  return ZipEnd{.members = members,
                .directory_size = Field<uint32_t>(end, 12),
                .directory_offset = Field<uint32_t>(end, 16)};
}

bool IsZip64Locator(std::span<const std::byte> locator) {
  return Field<uint32_t>(locator, 0) == kZip64LocatorSignature;
}

absl::StatusOr<ZipEnd> ParseZip64End(std::span<const std::byte> record,
                                     std::span<const std::byte> locator, uint64_t offset,
                                     const ZipEnd& end) {
  // The record's own length does not count the signature and itself.
  if (Field<uint64_t>(locator, 8) != offset || Field<uint32_t>(record, 0) != kZip64EndSignature ||
      Field<uint64_t>(record, 4) != kZip64EndBytes - 12) {
    return Refuse("its ZIP64 record is not where it must be");
  }
  const ZipEnd wide = {.members = Field<uint64_t>(record, 32),
                       .directory_size = Field<uint64_t>(record, 40),
                       .directory_offset = Field<uint64_t>(record, 48)};
  if (Field<uint32_t>(locator, 4) != 0 || Field<uint32_t>(locator, 16) > 1 ||
      Field<uint32_t>(record, 16) != 0 || Field<uint32_t>(record, 20) != 0 ||
      Field<uint64_t>(record, 24) != wide.members) {
    return Refuse("it has several disks");
  }
  const auto agrees = [](uint64_t plain, uint64_t none, uint64_t value) {
    return plain == none || plain == value;
  };
  if (!agrees(end.members, kNoneIn16, wide.members) ||
      !agrees(end.directory_size, kNoneIn32, wide.directory_size) ||
      !agrees(end.directory_offset, kNoneIn32, wide.directory_offset)) {
    return Refuse("its two records of the end disagree");
  }
  return wide;
}

}  // namespace gradus::formats
