// SPDX-License-Identifier: Apache-2.0
#include "tests/support/zip_files.h"

#include <zlib.h>

#include <cstdlib>

namespace gradus::test_support {
namespace {

template <typename T>
std::string Field(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(T));
}

uint16_t Length(const std::string& text) { return static_cast<uint16_t>(text.size()); }

// What both headers have in common, up to the length of the extra fields.
std::string Common(const ZipWords& words) {
  return Field<uint16_t>(20) + Field(words.flags) + Field(words.method) +
         Field<uint32_t>(0x210000) + Field(words.crc) + Field(words.stored_size) +
         Field(words.size) + Field(Length(words.name)) + Field(Length(words.extra));
}

std::string Local(const ZipPart& part) {
  return Field<uint32_t>(0x04034b50) + Common(part.local) + part.local.name + part.local.extra +
         part.stored + part.behind;
}

std::string Deflate(const std::string& content) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

ZipPart Part(const std::string& name, const std::string& content, uint16_t method,
             std::string stored) {
  ZipPart part;
  part.local = {.name = name,
                .method = method,
                .crc = static_cast<uint32_t>(
                    crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size())),
                .stored_size = static_cast<uint32_t>(stored.size()),
                .size = static_cast<uint32_t>(content.size()),
                .extra = {}};
  part.entry = part.local;
  part.stored = std::move(stored);
  return part;
}

}  // namespace

ZipPart StoredPart(const std::string& name, const std::string& content) {
  return Part(name, content, 0, content);
}

ZipPart DeflatedPart(const std::string& name, const std::string& content) {
  return Part(name, content, 8, Deflate(content));
}

void SetBoth(ZipPart& part, void (*change)(ZipWords& words)) {
  change(part.local);
  change(part.entry);
}

std::string ZipLocals(const std::vector<ZipPart>& parts) {
  std::string bytes;
  for (const ZipPart& part : parts) bytes += Local(part);
  return bytes;
}

std::string ZipEntries(const std::vector<ZipPart>& parts) {
  std::string entries;
  uint32_t offset = 0;
  for (const ZipPart& part : parts) {
    entries += Field<uint32_t>(0x02014b50) + Field<uint16_t>(20) + Common(part.entry) +
               std::string(10, '\0') + Field(part.offset.value_or(offset)) + part.entry.name +
               part.entry.extra;
    offset += static_cast<uint32_t>(Local(part).size());
  }
  return entries;
}

std::string ZipEndRecord(uint16_t members, uint32_t directory_size, uint32_t directory_offset) {
  return Field<uint32_t>(0x06054b50) + Field<uint32_t>(0) + Field(members) + Field(members) +
         Field(directory_size) + Field(directory_offset) + Field<uint16_t>(0);
}

std::string ZipArchive(const std::vector<ZipPart>& parts) {
  const std::string locals = ZipLocals(parts);
  const std::string entries = ZipEntries(parts);
  return locals + entries +
         ZipEndRecord(static_cast<uint16_t>(parts.size()), static_cast<uint32_t>(entries.size()),
                      static_cast<uint32_t>(locals.size()));
}

}  // namespace gradus::test_support
