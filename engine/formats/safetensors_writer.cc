// SPDX-License-Identifier: Apache-2.0
// The header's text, and the check that values come in the order and size announced.
#include "engine/formats/safetensors_writer.h"

#include <array>
#include <bit>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/formats/element.h"

namespace gradus::formats {
namespace {

constexpr size_t kAlignment = 8;

// A JSON string, or an error where `text` is no UTF-8.
absl::StatusOr<std::string> Quote(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    return absl::InvalidArgumentError("safetensors: a name or word is no UTF-8");
  }
}

absl::StatusOr<std::string> MetadataText(const TensorMetadata& metadata) {
  std::string text;
  for (const auto& [key, value] : metadata) {
    ASSIGN_OR_RETURN(const std::string quoted_key, Quote(key));
    ASSIGN_OR_RETURN(const std::string quoted_value, Quote(value));
    absl::StrAppend(&text, text.empty() ? "" : ",", quoted_key, ":", quoted_value);
  }
  return absl::StrCat("\"__metadata__\":{", text, "}");
}

absl::StatusOr<uint64_t> TensorBytes(const TensorInfo& tensor) {
  const size_t element = ElementSize(tensor.dtype);
  if (element == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "safetensors: tensor \"", tensor.name, "\" has the unknown type \"", tensor.dtype, "\""));
  }
  const std::optional<uint64_t> bytes = ArrayBytes(tensor.shape, element);
  if (!bytes.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("safetensors: tensor \"", tensor.name, "\" has an impossible shape"));
  }
  return *bytes;
}

// Offsets as the file will have them.
absl::StatusOr<std::vector<TensorInfo>> Place(std::span<const TensorInfo> tensors) {
  std::vector<TensorInfo> placed(tensors.begin(), tensors.end());
  std::set<std::string> names;
  uint64_t next = 0;
  for (TensorInfo& tensor : placed) {
    if (tensor.name == "__metadata__" || !names.insert(tensor.name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("safetensors: the name \"", tensor.name, "\" is taken"));
    }
    ASSIGN_OR_RETURN(const uint64_t bytes, TensorBytes(tensor));
    tensor.begin = next;
    if (__builtin_add_overflow(next, bytes, &next))
      return absl::InvalidArgumentError("safetensors: too large");
    tensor.end = next;
  }
  return placed;
}

absl::StatusOr<std::string> HeaderText(std::span<const TensorInfo> placed,
                                       const TensorMetadata& metadata) {
  std::string text = "{";
  if (!metadata.empty()) {
    ASSIGN_OR_RETURN(const std::string words, MetadataText(metadata));
    text += words;
  }
  for (const TensorInfo& tensor : placed) {
    ASSIGN_OR_RETURN(const std::string name, Quote(tensor.name));
    absl::StrAppend(&text, text.size() == 1 ? "" : ",", name, ":{\"dtype\":\"", tensor.dtype,
                    "\",\"shape\":[", absl::StrJoin(tensor.shape, ","), "],\"data_offsets\":[",
                    tensor.begin, ",", tensor.end, "]}");
  }
  text += "}";
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  if (text.size() > kMaxSafetensorsHeader) {
    return absl::InvalidArgumentError(absl::StrCat("safetensors: a header of ", text.size(),
                                                   " bytes, at most ", kMaxSafetensorsHeader,
                                                   " are allowed"));
  }
  const auto length = std::bit_cast<std::array<char, 8>>(static_cast<uint64_t>(text.size()));
  return absl::StrCat(absl::string_view(length.data(), length.size()), text);
}

}  // namespace

absl::StatusOr<std::string> MakeSafetensorsHeader(std::span<const TensorInfo> tensors,
                                                  const TensorMetadata& metadata) {
  ASSIGN_OR_RETURN(const std::vector<TensorInfo> placed, Place(tensors));
  return HeaderText(placed, metadata);
}

absl::StatusOr<SafetensorsWriter> SafetensorsWriter::Create(std::span<const TensorInfo> tensors,
                                                            const TensorMetadata& metadata,
                                                            Sink sink) {
  ASSIGN_OR_RETURN(std::vector<TensorInfo> placed, Place(tensors));
  ASSIGN_OR_RETURN(const std::string header, HeaderText(placed, metadata));
  RETURN_IF_ERROR(sink(std::as_bytes(std::span<const char>(header))));
  return SafetensorsWriter(std::move(placed), header.size(), std::move(sink));
}

absl::Status SafetensorsWriter::Append(std::span<const std::byte> values) {
  if (next_ == tensors_.size())
    return absl::FailedPreconditionError("safetensors: values after the last tensor");
  const TensorInfo& tensor = tensors_[next_];
  if (values.size() != tensor.end - tensor.begin) {
    return absl::FailedPreconditionError(absl::StrCat("safetensors: tensor \"", tensor.name,
                                                      "\" takes ", tensor.end - tensor.begin,
                                                      " bytes, not ", values.size()));
  }
  RETURN_IF_ERROR(sink_(values));
  written_ += values.size();
  ++next_;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> SafetensorsWriter::Finish() const {
  if (next_ != tensors_.size()) {
    return absl::FailedPreconditionError(
        absl::StrCat("safetensors: ends before tensor \"", tensors_[next_].name, "\""));
  }
  return written_;
}

}  // namespace gradus::formats
