// SPDX-License-Identifier: Apache-2.0
// From bytes to a header in which everything fits, and the subset of a file.
#include "engine/formats/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/element.h"
#include "engine/formats/safetensors_json.h"
#include "engine/formats/safetensors_writer.h"

namespace gradus::formats {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors values are used as they lie in the file");

constexpr uint64_t kLengthBytes = 8;

absl::Status CheckTensor(const TensorInfo& tensor) {
  const size_t element = ElementSize(tensor.dtype);
  if (element == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "safetensors: tensor \"", tensor.name, "\" has the unknown type \"", tensor.dtype, "\""));
  }
  const std::optional<uint64_t> bytes = ArrayBytes(tensor.shape, element);
  if (!bytes.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("safetensors: tensor \"", tensor.name, "\" is too large"));
  }
  if (tensor.end < tensor.begin || tensor.end - tensor.begin != *bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("safetensors: tensor \"", tensor.name, "\" lies in [", tensor.begin, ", ",
                     tensor.end, "), its shape and type take ", *bytes, " bytes"));
  }
  return absl::OkStatus();
}

// REQUIRES: sorted by begin.
absl::Status CheckLayout(std::span<const TensorInfo> tensors, uint64_t data_size) {
  uint64_t next = 0;
  for (const TensorInfo& tensor : tensors) {
    RETURN_IF_ERROR(CheckTensor(tensor));
    if (tensor.begin != next) {
      return absl::InvalidArgumentError(absl::StrCat("safetensors: tensor \"", tensor.name,
                                                     "\" begins at ", tensor.begin,
                                                     ", the one before it ends at ", next));
    }
    next = tensor.end;
  }
  if (next != data_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("safetensors: the tensors take ", next, " bytes, the file holds ", data_size));
  }
  return absl::OkStatus();
}

}  // namespace

const TensorInfo* SafetensorsHeader::Find(std::string_view name) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const TensorInfo& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

absl::StatusOr<uint64_t> SafetensorsHeaderBytes(std::span<const std::byte> first_8,
                                                uint64_t file_size) {
  if (file_size < kLengthBytes || first_8.size() < kLengthBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("safetensors: ", file_size, " bytes are too few for a header's length"));
  }
  uint64_t length = 0;
  std::memcpy(&length, first_8.data(), kLengthBytes);
  if (length > kMaxSafetensorsHeader) {
    return absl::InvalidArgumentError(absl::StrCat("safetensors: a header of ", length,
                                                   " bytes, at most ", kMaxSafetensorsHeader,
                                                   " are allowed"));
  }
  if (length > file_size - kLengthBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("safetensors: a header of ", length, " bytes in a file of ", file_size));
  }
  return kLengthBytes + length;
}

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::span<const std::byte> bytes,
                                                         uint64_t file_size) {
  ASSIGN_OR_RETURN(const uint64_t header_bytes, SafetensorsHeaderBytes(bytes, file_size));
  if (bytes.size() < header_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("safetensors: the header ends early after ",
                                                   bytes.size(), " of ", header_bytes, " bytes"));
  }
  const std::span<const std::byte> text = bytes.subspan(kLengthBytes, header_bytes - kLengthBytes);
  SafetensorsHeader header;
  header.data_begin = header_bytes;
  header.file_size = file_size;
  RETURN_IF_ERROR(ParseSafetensorsJson(
      std::string_view(reinterpret_cast<const char*>(text.data()), text.size()), header.tensors,
      header.metadata));
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [](const TensorInfo& a, const TensorInfo& b) {
                     return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
                   });
  RETURN_IF_ERROR(CheckLayout(header.tensors, file_size - header_bytes));
  return header;
}

absl::StatusOr<SafetensorsView> SafetensorsView::Parse(std::span<const std::byte> file) {
  ASSIGN_OR_RETURN(SafetensorsHeader header, ParseSafetensorsHeader(file, file.size()));
  const std::span<const std::byte> data = file.subspan(header.data_begin);
  return SafetensorsView(std::move(header), data);
}

std::span<const std::byte> SafetensorsView::Bytes(const TensorInfo& tensor) const {
  return data_.subspan(tensor.begin, tensor.end - tensor.begin);
}

absl::StatusOr<std::span<const std::byte>> SafetensorsView::Bytes(std::string_view name) const {
  const TensorInfo* tensor = header_.Find(name);
  if (tensor == nullptr)
    return absl::NotFoundError(absl::StrCat("safetensors: no tensor \"", std::string(name), "\""));
  return Bytes(*tensor);
}

absl::StatusOr<SafetensorsSubset> SelectTensors(const SafetensorsHeader& source,
                                                std::span<const std::string> names) {
  std::set<std::string_view> wanted(names.begin(), names.end());
  std::vector<TensorInfo> tensors;
  SafetensorsSubset subset;
  uint64_t data = 0;
  for (const TensorInfo& tensor : source.tensors) {
    if (wanted.erase(tensor.name) == 0) continue;
    tensors.push_back(tensor);
    const ByteRange range{source.data_begin + tensor.begin, tensor.end - tensor.begin};
    data += range.size;
    if (range.size == 0) continue;
    if (!subset.ranges.empty() &&
        subset.ranges.back().offset + subset.ranges.back().size == range.offset) {
      subset.ranges.back().size += range.size;
    } else {
      subset.ranges.push_back(range);
    }
  }
  if (!wanted.empty()) {
    return absl::NotFoundError(
        absl::StrCat("safetensors: no tensor \"", std::string(*wanted.begin()), "\""));
  }
  ASSIGN_OR_RETURN(subset.header, MakeSafetensorsHeader(tensors, source.metadata));
  subset.size = subset.header.size() + data;
  return subset;
}

}  // namespace gradus::formats
