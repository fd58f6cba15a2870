// SPDX-License-Identifier: Apache-2.0
// Magic, version, length; then what the dictionary says, checked.
#include "engine/formats/npy_header.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/formats/element.h"
#include "engine/formats/npy_literal.h"

namespace gradus::formats {
namespace {

constexpr std::array<std::byte, 6> kMagic = {std::byte{0x93}, std::byte{'N'}, std::byte{'U'},
                                             std::byte{'M'},  std::byte{'P'}, std::byte{'Y'}};
constexpr size_t kVersionEnd = kMagic.size() + 2;
constexpr size_t kMaxDimensions = 16;

absl::Status Refuse(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("npy: ", what));
}

size_t LittleEndian(std::span<const std::byte> bytes) {
  size_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<size_t>(bytes[i]);
  return value;
}

// Bytes up to the first value; nothing when `bytes` do not say it yet.
absl::StatusOr<std::optional<size_t>> HeaderBytes(std::span<const std::byte> bytes,
                                                  size_t& text_begin) {
  const size_t known = std::min(bytes.size(), kMagic.size());
  if (!std::ranges::equal(bytes.first(known), std::span(kMagic).first(known)))
    return Refuse("does not start with \\x93NUMPY");
  if (bytes.size() < kVersionEnd) return std::nullopt;
  const int major = std::to_integer<int>(bytes[kMagic.size()]);
  const int minor = std::to_integer<int>(bytes[kMagic.size() + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    return Refuse(absl::StrCat("the version ", major, ".", minor, " is none of 1.0, 2.0, 3.0"));
  }
  const size_t length_bytes = major == 1 ? 2 : 4;
  text_begin = kVersionEnd + length_bytes;
  if (bytes.size() < text_begin) return std::nullopt;
  const size_t length = LittleEndian(bytes.subspan(kVersionEnd, length_bytes));
  if (length > kMaxNpyHeader) {
    return Refuse(
        absl::StrCat("a header of ", length, " bytes, at most ", kMaxNpyHeader, " are allowed"));
  }
  return text_begin + length;
}

// Fills in type and byte order.
absl::Status ReadDescr(const std::string& descr, NpyHeader& header) {
  const std::string shown = absl::StrCat("the type '", base::Shown(descr), "'");
  const std::string_view code = std::string_view(descr).substr(descr.empty() ? 0 : 1);
  if (code.starts_with('O')) {
    return Refuse(absl::StrCat(shown, " means Python objects: pickles are never read"));
  }
  header.type = FindNpyType(code);
  if (header.type == nullptr) {
    return Refuse(
        absl::StrCat(shown, " is none of b1, i1, i2, i4, i8, u1, u2, u4, u8, f2, f4, f8"));
  }
  const char order = descr.front();
  const bool single = header.type->stored_bytes == 1;
  if (order != '<' && order != '>' && !(order == '|' && single))
    return Refuse(absl::StrCat(shown, " has no byte order: '<' or '>'"));
  header.big_endian = order == '>' && !single;
  header.dtype = std::string(header.type->dtype);
  return absl::OkStatus();
}

// Fills in both sizes.
absl::Status CheckShape(NpyHeader& header) {
  const size_t dimensions = header.shape.size();
  if (dimensions == 0 || dimensions > kMaxDimensions) {
    return Refuse(absl::StrCat(dimensions, " dimensions, 1 to ", kMaxDimensions, " are allowed"));
  }
  for (size_t i = 0; i < dimensions; ++i) {
    if (header.shape[i] == 0) return Refuse(absl::StrCat("dimension ", i, " is 0"));
  }
  const std::optional<uint64_t> data = ArrayBytes(header.shape, header.type->stored_bytes);
  const std::optional<uint64_t> values = ArrayBytes(header.shape, header.type->value_bytes);
  if (!data.has_value() || !values.has_value())
    return Refuse(absl::StrCat("the shape (", absl::StrJoin(header.shape, ", "), ") is too large"));
  header.data_bytes = *data;
  header.value_bytes = *values;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<NpyHeader>> ParseNpyHeader(std::span<const std::byte> first_bytes) {
  size_t text_begin = 0;
  ASSIGN_OR_RETURN(const std::optional<size_t> header_bytes, HeaderBytes(first_bytes, text_begin));
  if (!header_bytes.has_value() || first_bytes.size() < *header_bytes) return std::nullopt;
  const std::span<const std::byte> text =
      first_bytes.subspan(text_begin, *header_bytes - text_begin);
  ASSIGN_OR_RETURN(
      NpyLiteral literal,
      ParseNpyLiteral(std::string_view(reinterpret_cast<const char*>(text.data()), text.size())));
  NpyHeader header;
  header.header_bytes = *header_bytes;
  header.fortran_order = literal.fortran_order;
  header.shape = std::move(literal.shape);
  RETURN_IF_ERROR(ReadDescr(literal.descr, header));
  RETURN_IF_ERROR(CheckShape(header));
  return header;
}

}  // namespace gradus::formats
