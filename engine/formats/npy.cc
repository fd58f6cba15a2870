// SPDX-License-Identifier: Apache-2.0
// Header, then values by way of byte order, conversion and, where they lie so, out of Fortran
// order.
#include "engine/formats/npy.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"

namespace gradus::formats {
namespace {

constexpr size_t kPiece = 64 << 10;

absl::Status Refuse(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("npy: ", what));
}

// Whether the order of the elements in the file is another one than C's.
bool NeedsReorder(const NpyHeader& header) {
  const auto extended = [](int64_t dimension) { return dimension > 1; };
  return header.fortran_order &&
         std::count_if(header.shape.begin(), header.shape.end(), extended) > 1;
}

}  // namespace

absl::Status NpyDecoder::Push(std::span<const std::byte> bytes, HeaderSink on_header,
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

// Takes the header's bytes off `bytes`, one by one so that none of the values is taken along.
absl::Status NpyDecoder::PushHeader(std::span<const std::byte>& bytes, HeaderSink on_header) {
  while (!bytes.empty() && !header_.has_value()) {
    pending_.push_back(bytes.front());
    bytes = bytes.subspan(1);
    ASSIGN_OR_RETURN(header_, ParseNpyHeader(pending_));
  }
  if (!header_.has_value()) return absl::OkStatus();
  pending_.clear();
  batch_ = kPiece / std::max(header_->type->stored_bytes, header_->type->value_bytes);
  reorder_ = NeedsReorder(*header_);
  if (reorder_ && header_->data_bytes > kMaxReordered) {
    return Refuse(absl::StrCat("an array of ", header_->data_bytes,
                               " bytes in Fortran order, at most ", kMaxReordered,
                               " are allowed: numpy.ascontiguousarray gives C order"));
  }
  RETURN_IF_ERROR(on_header(*header_));
  // Where it is to be whole, it grows once.
  if (reorder_) pending_.reserve(header_->data_bytes);
  return absl::OkStatus();
}

absl::Status NpyDecoder::PushValues(std::span<const std::byte> bytes, ValueSink on_values) {
  const size_t element = header_->type->stored_bytes;
  const size_t wanted = reorder_ ? header_->data_bytes : batch_ * element;
  while (!bytes.empty()) {
    const size_t take = std::min(wanted - pending_.size(), bytes.size());
    pending_.insert(pending_.end(), bytes.begin(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(take));
    bytes = bytes.subspan(take);
    if (reorder_) {
      if (pending_.size() == wanted) RETURN_IF_ERROR(PassReordered(on_values));
      continue;
    }
    const size_t whole = pending_.size() - pending_.size() % element;
    RETURN_IF_ERROR(Pass(std::span(pending_).first(whole), on_values));
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(whole));
  }
  return absl::OkStatus();
}

// Walks over the array in C order, in which the last index moves first, and picks elements from
// where the first one does.
absl::Status NpyDecoder::PassReordered(ValueSink on_values) {
  const size_t element = header_->type->stored_bytes;
  const size_t dimensions = header_->shape.size();
  std::vector<size_t> extents(header_->shape.begin(), header_->shape.end());
  std::vector<size_t> strides(dimensions, element);
  for (size_t i = 1; i < dimensions; ++i) strides[i] = strides[i - 1] * extents[i - 1];
  std::vector<size_t> index(dimensions, 0);
  std::vector<std::byte> picked;
  picked.reserve(batch_ * element);
  size_t at = 0;
  for (size_t left = pending_.size() / element; left > 0; --left) {
    const auto from = pending_.begin() + static_cast<std::ptrdiff_t>(at);
    picked.insert(picked.end(), from, from + static_cast<std::ptrdiff_t>(element));
    if (picked.size() == batch_ * element || left == 1) {
      RETURN_IF_ERROR(Pass(picked, on_values));
      picked.clear();
    }
    for (size_t i = dimensions; i-- > 0;) {
      at += strides[i];
      if (++index[i] < extents[i]) break;
      at -= strides[i] * extents[i];
      index[i] = 0;
    }
  }
  return absl::OkStatus();
}

// Passes whole elements on as what they become.
absl::Status NpyDecoder::Pass(std::span<std::byte> stored, ValueSink on_values) {
  if (stored.empty()) return absl::OkStatus();
  const NpyType& type = *header_->type;
  if (header_->big_endian) {
    for (size_t i = 0; i < stored.size(); i += type.stored_bytes)
      std::ranges::reverse(stored.subspan(i, type.stored_bytes));
  }
  if (type.convert == nullptr) return on_values(stored);
  values_.resize(stored.size() / type.stored_bytes * type.value_bytes);
  RETURN_IF_ERROR(type.convert(stored, values_.data()));
  return on_values(values_);
}

absl::Status NpyDecoder::Finish() const {
  if (!header_.has_value())
    return Refuse(absl::StrCat("the header ends early after ", seen_, " bytes"));
  const uint64_t announced = header_->header_bytes + header_->data_bytes;
  if (seen_ != announced) {
    return Refuse(absl::StrCat("the header (", std::string(header_->type->code), ", ",
                               absl::StrJoin(header_->shape, " x "), ") announces ", announced,
                               " bytes, there are ", seen_));
  }
  return absl::OkStatus();
}

}  // namespace gradus::formats
