// SPDX-License-Identifier: Apache-2.0
// The header's checks and the turn from big endian to little.
#include "engine/formats/idx.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/formats/element.h"

namespace gradus::formats {
namespace {

constexpr size_t kMagic = 4;
constexpr size_t kDimension = 4;
constexpr size_t kMaxDimensions = 16;
constexpr size_t kPiece = 64 << 10;

struct IdxType {
  std::byte code;
  const char* dtype;
};
constexpr std::array<IdxType, 6> kTypes = {{{std::byte{0x08}, "U8"},
                                            {std::byte{0x09}, "I8"},
                                            {std::byte{0x0B}, "I16"},
                                            {std::byte{0x0C}, "I32"},
                                            {std::byte{0x0D}, "F32"},
                                            {std::byte{0x0E}, "F64"}}};

absl::Status Refuse(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("idx: ", what));
}

absl::StatusOr<std::string> DtypeOf(std::span<const std::byte> magic) {
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0})
    return Refuse("does not start with two zero bytes");
  const auto type = std::find_if(kTypes.begin(), kTypes.end(),
                                 [&](const IdxType& t) { return t.code == magic[2]; });
  if (type == kTypes.end()) {
    return Refuse(absl::StrCat("the type code 0x",
                               absl::Hex(std::to_integer<int>(magic[2]), absl::kZeroPad2),
                               " is none of 08, 09, 0b, 0c, 0d, 0e"));
  }
  return std::string(type->dtype);
}

int64_t BigEndian32(std::span<const std::byte> bytes) {
  int64_t value = 0;
  for (size_t i = 0; i < kDimension; ++i) value = value << 8 | std::to_integer<int64_t>(bytes[i]);
  return value;
}

}  // namespace

absl::StatusOr<std::optional<IdxHeader>> ParseIdxHeader(std::span<const std::byte> first_bytes) {
  if (first_bytes.size() < kMagic) return std::nullopt;
  IdxHeader header;
  ASSIGN_OR_RETURN(header.dtype, DtypeOf(first_bytes));
  const size_t dimensions = std::to_integer<size_t>(first_bytes[3]);
  if (dimensions == 0 || dimensions > kMaxDimensions) {
    return Refuse(absl::StrCat(dimensions, " dimensions, 1 to ", kMaxDimensions, " are allowed"));
  }
  header.header_bytes = kMagic + dimensions * kDimension;
  if (first_bytes.size() < header.header_bytes) return std::nullopt;
  for (size_t i = 0; i < dimensions; ++i) {
    header.shape.push_back(BigEndian32(first_bytes.subspan(kMagic + i * kDimension, kDimension)));
    if (header.shape.back() == 0) return Refuse(absl::StrCat("dimension ", i, " is 0"));
  }
  const std::optional<uint64_t> bytes = ArrayBytes(header.shape, ElementSize(header.dtype));
  if (!bytes.has_value())
    return Refuse(absl::StrCat("the shape (", absl::StrJoin(header.shape, ", "), ") is too large"));
  header.data_bytes = *bytes;
  return header;
}

absl::Status IdxDecoder::Push(std::span<const std::byte> bytes, HeaderSink on_header,
                              ValueSink on_values) {
  seen_ += bytes.size();
  if (!header_.has_value()) RETURN_IF_ERROR(PushHeader(bytes, on_header));
  if (!header_.has_value()) return absl::OkStatus();
  // What comes beyond the announced size is only counted, by seen_.
  const uint64_t before = seen_ - header_->header_bytes - bytes.size();
  const uint64_t room = header_->data_bytes - std::min(header_->data_bytes, before);
  return PushValues(bytes.first(static_cast<size_t>(std::min<uint64_t>(room, bytes.size()))),
                    on_values);
}

// Takes the header's bytes off `bytes`, one dimension at a time so that none of the values is taken
// along.
absl::Status IdxDecoder::PushHeader(std::span<const std::byte>& bytes, HeaderSink on_header) {
  while (!bytes.empty() && !header_.has_value()) {
    const size_t take = std::min(kDimension - pending_.size() % kDimension, bytes.size());
    pending_.insert(pending_.end(), bytes.begin(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(take));
    bytes = bytes.subspan(take);
    ASSIGN_OR_RETURN(header_, ParseIdxHeader(pending_));
  }
  if (!header_.has_value()) return absl::OkStatus();
  pending_.clear();
  element_ = ElementSize(header_->dtype);
  return on_header(*header_);
}

absl::Status IdxDecoder::PushValues(std::span<const std::byte> bytes, ValueSink on_values) {
  while (!bytes.empty()) {
    if (element_ == 1) {
      const std::span<const std::byte> piece = bytes.first(std::min(kPiece, bytes.size()));
      RETURN_IF_ERROR(on_values(piece));
      bytes = bytes.subspan(piece.size());
      continue;
    }
    const size_t take = std::min(kPiece - pending_.size(), bytes.size());
    pending_.insert(pending_.end(), bytes.begin(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(take));
    bytes = bytes.subspan(take);
    const size_t whole = pending_.size() - pending_.size() % element_;
    swapped_.resize(whole);
    for (size_t i = 0; i < whole; i += element_) {
      std::reverse_copy(&pending_[i], &pending_[i] + element_, &swapped_[i]);
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(whole));
    if (whole > 0) RETURN_IF_ERROR(on_values(swapped_));
  }
  return absl::OkStatus();
}

absl::Status IdxDecoder::Finish() const {
  if (!header_.has_value())
    return Refuse(absl::StrCat("the header ends early after ", seen_, " bytes"));
  const uint64_t announced = header_->header_bytes + header_->data_bytes;
  if (seen_ != announced) {
    return Refuse(absl::StrCat("the header (", header_->dtype, ", ",
                               absl::StrJoin(header_->shape, " x "), ") announces ", announced,
                               " bytes, there are ", seen_));
  }
  return absl::OkStatus();
}

}  // namespace gradus::formats
