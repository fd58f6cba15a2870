// SPDX-License-Identifier: Apache-2.0
// Names of members to names of arrays, and bytes from the archive through inflater and check into
// the decoder.
#include "engine/formats/npz.h"

#include <algorithm>
#include <optional>

#include <zlib.h>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/formats/inflate_stream.h"

namespace gradus::formats {
namespace {

constexpr size_t kPiece = 64 << 10;
constexpr std::string_view kSuffix = ".npy";

absl::Status Refuse(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("npz: ", what));
}

absl::StatusOr<std::string> ArrayName(const std::string& member) {
  const std::string_view whole = member;
  const std::string name(whole.substr(0, whole.size() - std::min(whole.size(), kSuffix.size())));
  if (!whole.ends_with(kSuffix) || !base::IsName(name)) {
    return Refuse(absl::StrCat("the member \"", base::Shown(member),
                               "\" is no NAME.npy with a name of 1 to 128 letters, digits, '_', "
                               "'-' or '.', not starting with '.'"));
  }
  return name;
}

absl::Status Damaged(absl::string_view what) { return absl::InvalidArgumentError(what); }

// One member on its way from the archive to the decoder.
class MemberRead {
 public:
  MemberRead(const ZipMember& member, NpyDecoder::HeaderSink on_header,
             NpyDecoder::ValueSink on_values)
      : member_(member), on_header_(on_header), on_values_(on_values) {}

  absl::Status Run(const ReadAt& source) {
    if (member_.deflated) {
      ASSIGN_OR_RETURN(inflater_,
                       InflateStream::Create(InflateStream::Wrapping::kNone, "deflated data"));
    }
    std::vector<std::byte> buffer(kPiece);
    uint64_t left = member_.stored_bytes;
    for (uint64_t at = member_.data_begin; left > 0;) {
      const std::span<std::byte> piece =
          std::span(buffer).first(static_cast<size_t>(std::min<uint64_t>(left, kPiece)));
      RETURN_IF_ERROR(ReadWhole(source, at, piece));
      RETURN_IF_ERROR(inflater_.has_value() ? Inflate(piece) : Take(piece));
      at += piece.size();
      left -= piece.size();
    }
    return Finish();
  }

 private:
  absl::Status Inflate(std::span<const std::byte> input) {
    while (!input.empty() || inflater_->holds_more()) {
      if (inflater_->ended()) return Damaged("deflated data go on behind their end");
      RETURN_IF_ERROR(inflater_->Inflate(
          input, [this](std::span<const std::byte> bytes) { return Take(bytes); }));
    }
    return absl::OkStatus();
  }

  // Nothing beyond the announced size is passed on.
  absl::Status Take(std::span<const std::byte> bytes) {
    if (bytes.size() > member_.size - seen_)
      return Damaged(absl::StrCat("there are more than the announced ", member_.size, " bytes"));
    seen_ += bytes.size();
    crc_ = crc32_z(crc_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    return decoder_.Push(bytes, on_header_, on_values_);
  }

  absl::Status Finish() const {
    if (inflater_.has_value() && !inflater_->ended()) return Damaged("deflated data end early");
    if (seen_ != member_.size)
      return Damaged(
          absl::StrCat("there are ", seen_, " of the announced ", member_.size, " bytes"));
    if (crc_ != member_.crc) return Damaged("the CRC-32 is another one");
    return decoder_.Finish();
  }

  const ZipMember& member_;
  const NpyDecoder::HeaderSink on_header_;
  const NpyDecoder::ValueSink on_values_;
  std::optional<InflateStream> inflater_;
  NpyDecoder decoder_;
  uint64_t seen_ = 0;
  uLong crc_ = 0;
};

}  // namespace

bool IsZip(std::span<const std::byte> first_bytes) {
  constexpr std::string_view kLocal = "PK\x03\x04";
  return first_bytes.size() >= kLocal.size() &&
         std::ranges::equal(first_bytes.first(kLocal.size()),
                            std::as_bytes(std::span<const char>(kLocal)));
}

absl::StatusOr<NpzReader> NpzReader::Open(ReadAt source, uint64_t file_size, uint64_t max_output) {
  ASSIGN_OR_RETURN(std::vector<ZipMember> members, ReadZipDirectory(source, file_size));
  std::vector<NpzArray> arrays;
  uint64_t left = max_output;
  for (ZipMember& member : members) {
    ASSIGN_OR_RETURN(std::string name, ArrayName(member.name));
    if (member.size > left) {
      return absl::InvalidArgumentError(
          absl::StrCat("npz: the arrays inflate to more than ", max_output, " bytes"));
    }
    left -= member.size;
    arrays.push_back({std::move(name), std::move(member)});
  }
  return NpzReader(std::move(source), std::move(arrays));
}

absl::Status NpzReader::Read(const NpzArray& array, NpyDecoder::HeaderSink on_header,
                             NpyDecoder::ValueSink on_values) const {
  return base::Annotate(MemberRead(array.member, on_header, on_values).Run(source_),
                        absl::StrCat("npz: array \"", array.name, "\""));
}

}  // namespace gradus::formats
