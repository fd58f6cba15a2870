// SPDX-License-Identifier: Apache-2.0
// NPZ files, as numpy.savez and numpy.savez_compressed write them: a ZIP archive of NPY files.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/formats/npy.h"
#include "engine/formats/zip_directory.h"

namespace gradus::formats {

// One array of an NPZ file.
struct NpzArray {
  std::string name;  // a base::IsName: that of the member without .npy
  ZipMember member;
};

// Whether a file that starts with these bytes is a ZIP archive with members.
bool IsZip(std::span<const std::byte> first_bytes);

// An NPZ file that is read at offsets; its arrays in the order in which they lie.
//   Owns     nothing of the file but the list of its arrays; 256 KiB while one is read, besides what
//            NpyDecoder owns.
//   Threads  one caller at a time.
//   Errors   INVALID_ARGUMENT as ReadZipDirectory and NpyDecoder, for a member that is no NAME.npy,
//            for bytes that have another length or CRC-32 than announced; INVALID_ARGUMENT where
//            the members together, NPY headers included, inflate to more than `max_output`; the
//            source's and the callbacks' own errors. Read puts the array's name in front of each.
class NpzReader {
 public:
  // Reads and checks what the file says of its members, and none of them.
  static absl::StatusOr<NpzReader> Open(ReadAt source, uint64_t file_size, uint64_t max_output);

  const std::vector<NpzArray>& arrays() const { return arrays_; }

  // Decodes one of arrays(). Damage may be found after values were passed on: they count only when
  // this returns OK.
  absl::Status Read(const NpzArray& array, NpyDecoder::HeaderSink on_header,
                    NpyDecoder::ValueSink on_values) const;

 private:
  NpzReader(ReadAt source, std::vector<NpzArray> arrays)
      : source_(std::move(source)), arrays_(std::move(arrays)) {}

  ReadAt source_;
  std::vector<NpzArray> arrays_;
};

}  // namespace gradus::formats
