// SPDX-License-Identifier: Apache-2.0
// Prints what an NPY or NPZ file holds, for numpy_test.py: a line "NAME DTYPE BYTES EXTENT..." an
// array, then its values.
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/descriptor.h"
#include "engine/base/status.h"
#include "engine/formats/npy.h"
#include "engine/formats/npz.h"

namespace gradus::formats {
namespace {

void Print(absl::string_view name, const NpyHeader& header, const std::string& values) {
  std::cout << absl::StrCat(name, " ", header.dtype, " ", values.size(), " ",
                            absl::StrJoin(header.shape, " "), "\n")
            << values;
}

// Collects one array.
struct Collected {
  NpyHeader header;
  std::string values;

  absl::Status Begin(const NpyHeader& read) {
    header = read;
    return absl::OkStatus();
  }
  absl::Status Add(std::span<const std::byte> bytes) {
    values.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return absl::OkStatus();
  }
};

absl::Status DumpNpz(const ReadAt& source, uint64_t size) {
  ASSIGN_OR_RETURN(const NpzReader reader, NpzReader::Open(source, size, uint64_t{1} << 30));
  for (const NpzArray& array : reader.arrays()) {
    Collected collected;
    RETURN_IF_ERROR(reader.Read(
        array, [&](const NpyHeader& header) { return collected.Begin(header); },
        [&](std::span<const std::byte> bytes) { return collected.Add(bytes); }));
    Print(array.name, collected.header, collected.values);
  }
  return absl::OkStatus();
}

absl::Status DumpNpy(const ReadAt& source, uint64_t size) {
  std::vector<std::byte> file(size);
  RETURN_IF_ERROR(ReadWhole(source, 0, file));
  Collected collected;
  NpyDecoder decoder;
  RETURN_IF_ERROR(decoder.Push(
      file, [&](const NpyHeader& header) { return collected.Begin(header); },
      [&](std::span<const std::byte> bytes) { return collected.Add(bytes); }));
  RETURN_IF_ERROR(decoder.Finish());
  Print("-", collected.header, collected.values);
  return absl::OkStatus();
}

absl::Status Dump(const std::string& path) {
  const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return base::ErrnoStatus(errno, path);
  const auto size = static_cast<uint64_t>(::lseek(file.get(), 0, SEEK_END));
  const ReadAt source = [&](uint64_t offset, std::span<std::byte> dst) {
    return base::ReadFully(file.get(), offset, dst, path);
  };
  std::vector<std::byte> first(4);
  RETURN_IF_ERROR(ReadWhole(source, 0, first));
  return IsZip(first) ? DumpNpz(source, size) : DumpNpy(source, size);
}

}  // namespace
}  // namespace gradus::formats

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const absl::Status status = gradus::formats::Dump(argv[1]);
  if (!status.ok()) std::cerr << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
