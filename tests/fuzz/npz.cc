// SPDX-License-Identifier: Apache-2.0
#include "engine/formats/npz.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include "engine/base/names.h"
#include "engine/base/status.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

constexpr uint64_t kMaxOutput = 16 << 20;

absl::Status ReadArray(const formats::NpzReader& reader, const formats::NpzArray& array) {
  uint64_t announced = 0;
  uint64_t passed = 0;
  RETURN_IF_ERROR(reader.Read(
      array,
      [&](const formats::NpyHeader& header) {
        announced = header.value_bytes;
        return absl::OkStatus();
      },
      [&](std::span<const std::byte> values) {
        passed += values.size();
        Require(passed <= announced, "no more values than announced");
        return absl::OkStatus();
      }));
  Require(passed == announced, "as many values as announced");
  return absl::OkStatus();
}

absl::Status Run(std::span<const std::byte> bytes) {
  const auto source = [bytes](uint64_t offset, std::span<std::byte> dst) -> absl::StatusOr<size_t> {
    Require(offset <= bytes.size(), "nothing is read behind the end");
    const size_t count = std::min(dst.size(), bytes.size() - static_cast<size_t>(offset));
    if (count > 0) std::memcpy(dst.data(), bytes.data() + offset, count);
    return count;
  };
  ASSIGN_OR_RETURN(const formats::NpzReader reader,
                   formats::NpzReader::Open(source, bytes.size(), kMaxOutput));
  std::set<std::string> names;
  uint64_t stored = 0;
  uint64_t size = 0;
  for (const formats::NpzArray& array : reader.arrays()) {
    Require(base::IsName(array.name) && names.insert(array.name).second, "names, each once");
    stored += array.member.stored_bytes;
    size += array.member.size;
  }
  Require(stored < bytes.size(), "members do not overlap");
  Require(size <= kMaxOutput, "no more than the limit is inflated");
  for (const formats::NpzArray& array : reader.arrays()) RETURN_IF_ERROR(ReadArray(reader, array));
  return absl::OkStatus();
}

}  // namespace

extern constinit const FuzzTarget npz_kind = {.name = "npz", .run = Run};

}  // namespace gradus::fuzz
