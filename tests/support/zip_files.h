// SPDX-License-Identifier: Apache-2.0
// ZIP archives made in memory, whose headers may say what is not so; for tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gradus::test_support {

// What one of a member's two headers says.
struct ZipWords {
  std::string name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint32_t stored_size = 0;
  uint32_t size = 0;
  std::string extra;
};

struct ZipPart {
  ZipWords local;
  ZipWords entry;  // in the directory
  std::string stored;
  std::string behind;              // bytes after the stored ones
  std::optional<uint32_t> offset;  // what the directory says instead of where it lies
};

// A member as it should be.
ZipPart StoredPart(const std::string& name, const std::string& content);
ZipPart DeflatedPart(const std::string& name, const std::string& content);

// The same words in both headers.
void SetBoth(ZipPart& part, void (*change)(ZipWords& words));

// The members one behind the other, the directory, the end.
std::string ZipArchive(const std::vector<ZipPart>& parts);
// The parts' directory entries alone; offsets count from `parts`' own beginning.
std::string ZipEntries(const std::vector<ZipPart>& parts);
std::string ZipLocals(const std::vector<ZipPart>& parts);
// The record at the end.
std::string ZipEndRecord(uint16_t members, uint32_t directory_size, uint32_t directory_offset);

}  // namespace gradus::test_support
