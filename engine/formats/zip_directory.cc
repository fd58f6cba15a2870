// SPDX-License-Identifier: Apache-2.0
// From the archive's end to its directory, from there to each member, and whether all that agrees.
#include "engine/formats/zip_directory.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/formats/zip_records.h"

namespace gradus::formats {
namespace {

constexpr uint64_t kMaxDirectory = 1 << 20;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;
// Flags: how hard the deflater tried, sizes behind the data, names in UTF-8. All else changes how
// data are to be read.
constexpr uint16_t kEncrypted = 1 << 0;
constexpr uint16_t kSizesBehind = 1 << 3;
constexpr uint16_t kKnownFlags = 1 << 1 | 1 << 2 | kSizesBehind | 1 << 11;
// Two bits make 258 bytes at best.
constexpr uint64_t kMostRatio = 258 * 8 / 2;

absl::Status Refuse(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("zip: ", what));
}

absl::Status RefuseMember(const ZipHeader& header, absl::string_view what) {
  return Refuse(absl::StrCat("member \"", base::Shown(header.name), "\" ", what));
}

struct Place {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t members = 0;
};

absl::StatusOr<Place> FindDirectory(const ReadAt& source, uint64_t file_size) {
  if (file_size < kZipEndBytes) return Refuse(absl::StrCat(file_size, " bytes are no archive"));
  constexpr size_t kWideEnd = kZip64EndBytes + kZip64LocatorBytes;
  std::array<std::byte, kWideEnd + kZipEndBytes> buffer{};
  const std::span<std::byte> tail =
      std::span(buffer).last(std::min<uint64_t>(buffer.size(), file_size));
  RETURN_IF_ERROR(ReadWhole(source, file_size - tail.size(), tail));
  ASSIGN_OR_RETURN(ZipEnd end, ParseZipEnd(tail.last(kZipEndBytes)));
  uint64_t records = file_size - kZipEndBytes;
  const std::span<const std::byte> locator =
      std::span(buffer).subspan(kZip64EndBytes, kZip64LocatorBytes);
  if (tail.size() == buffer.size() && IsZip64Locator(locator)) {
    records -= kWideEnd;
    ASSIGN_OR_RETURN(end,
                     ParseZip64End(std::span(buffer).first(kZip64EndBytes), locator, records, end));
  }
  if (end.members == 0 || end.members > kMaxZipMembers)
    return Refuse(absl::StrCat(end.members, " members, 1 to ", kMaxZipMembers, " are allowed"));
  if (end.directory_size > kMaxDirectory) {
    return Refuse(absl::StrCat("a directory of ", end.directory_size, " bytes, at most ",
                               kMaxDirectory, " are allowed"));
  }
  if (end.directory_offset > records || records - end.directory_offset != end.directory_size)
    return Refuse("its directory does not end where the archive's end begins");
  return Place{.begin = end.directory_offset, .end = records, .members = end.members};
}

// What can be said of a member without looking at others.
absl::Status CheckEntry(const ZipHeader& header) {
  if (header.name.size() > kMaxZipName) {
    return RefuseMember(header, absl::StrCat("has a name of ", header.name.size(),
                                             " bytes, at most ", kMaxZipName, " are allowed"));
  }
  if ((header.flags & kEncrypted) != 0) return RefuseMember(header, "is encrypted");
  if ((header.flags & ~kKnownFlags) != 0)
    return RefuseMember(header, absl::StrCat("has flags beyond ", kKnownFlags));
  if (header.method != kStored && header.method != kDeflated) {
    return RefuseMember(header, absl::StrCat("is packed by method ", header.method,
                                             ", known are 0 (stored) and 8 (deflated)"));
  }
  if (header.method == kStored && header.size != header.stored_size)
    return RefuseMember(header, "is stored and has two sizes");
  if (header.size / kMostRatio > header.stored_size) {
    return RefuseMember(header, absl::StrCat("cannot have ", header.size, " bytes deflated to ",
                                             header.stored_size));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ZipHeader>> ReadEntries(const ReadAt& source, const Place& place) {
  std::vector<std::byte> bytes(place.end - place.begin);
  RETURN_IF_ERROR(ReadWhole(source, place.begin, bytes));
  std::span<const std::byte> rest = bytes;
  std::vector<ZipHeader> entries;
  std::set<std::string> names;
  while (entries.size() < place.members) {
    if (rest.size() < kZipEntryBytes || rest.size() < ZipEntrySize(rest))
      return Refuse("its directory ends early");
    const std::span<const std::byte> entry = rest.first(ZipEntrySize(rest));
    rest = rest.subspan(entry.size());
    ASSIGN_OR_RETURN(ZipHeader header, ParseZipEntry(entry));
    RETURN_IF_ERROR(CheckEntry(header));
    if (!names.insert(header.name).second) return RefuseMember(header, "comes twice");
    entries.push_back(std::move(header));
  }
  if (!rest.empty()) return Refuse("its directory has more than its members");
  return entries;
}

// Whether a local header says what the directory does. A writer that could not go back wrote zeros
// before the data, and the sizes behind them.
bool SameHeader(const ZipHeader& local, const ZipHeader& entry) {
  if (local.name != entry.name || local.flags != entry.flags || local.method != entry.method)
    return false;
  if ((entry.flags & kSizesBehind) != 0 && local.crc == 0 && local.stored_size == 0 &&
      local.size == 0) {
    return true;
  }
  return local.crc == entry.crc && local.stored_size == entry.stored_size &&
         local.size == entry.size;
}

// Reads the local header of an entry, all of which must lie below `limit`.
absl::StatusOr<ZipMember> Locate(const ReadAt& source, const ZipHeader& entry, uint64_t limit) {
  const auto fits = [&](uint64_t size) {
    return entry.offset <= limit && size <= limit - entry.offset;
  };
  constexpr absl::string_view kOverlap = "overlaps what comes after it";
  std::vector<std::byte> bytes(kZipLocalBytes);
  if (!fits(bytes.size())) return RefuseMember(entry, kOverlap);
  RETURN_IF_ERROR(ReadWhole(source, entry.offset, bytes));
  bytes.resize(ZipLocalSize(bytes));
  if (!fits(bytes.size()) || entry.stored_size > limit - entry.offset - bytes.size())
    return RefuseMember(entry, kOverlap);
  RETURN_IF_ERROR(ReadWhole(source, entry.offset, bytes));
  const absl::StatusOr<ZipHeader> local = ParseZipLocal(bytes);
  if (!local.ok())
    return base::Annotate(local.status(), absl::StrCat("member \"", base::Shown(entry.name), "\""));
  if (!SameHeader(*local, entry))
    return RefuseMember(entry, "is described in two ways, by the directory and by its own header");
  return ZipMember{.name = entry.name,
                   .deflated = entry.method == kDeflated,
                   .crc = entry.crc,
                   .data_begin = entry.offset + bytes.size(),
                   .stored_bytes = entry.stored_size,
                   .size = entry.size};
}

}  // namespace

absl::Status ReadWhole(const ReadAt& source, uint64_t offset, std::span<std::byte> dst) {
  ASSIGN_OR_RETURN(const size_t count, source(offset, dst));
  if (count == dst.size()) return absl::OkStatus();
  return Refuse(absl::StrCat("the file ends at byte ", offset + count));
}

absl::StatusOr<std::vector<ZipMember>> ReadZipDirectory(const ReadAt& source, uint64_t file_size) {
  ASSIGN_OR_RETURN(const Place place, FindDirectory(source, file_size));
  ASSIGN_OR_RETURN(std::vector<ZipHeader> entries, ReadEntries(source, place));
  std::ranges::sort(entries, {}, &ZipHeader::offset);
  std::vector<ZipMember> members;
  for (size_t i = 0; i < entries.size(); ++i) {
    const uint64_t next = i + 1 < entries.size() ? entries[i + 1].offset : place.begin;
    // The next one may claim to lie anywhere.
    const uint64_t limit = std::min(next, place.begin);
    ASSIGN_OR_RETURN(ZipMember member, Locate(source, entries[i], limit));
    members.push_back(std::move(member));
  }
  return members;
}

}  // namespace gradus::formats
