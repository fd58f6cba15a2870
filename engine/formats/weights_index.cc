// SPDX-License-Identifier: Apache-2.0
#include "engine/formats/weights_index.h"

#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"

namespace gradus::formats {
namespace {

// A file takes a block of the disk at least.
constexpr int64_t kLeastPieceBytes = 4096;
constexpr int kMostRank = 8;
constexpr size_t kMostNameBytes = 512;
constexpr int64_t kMostBytes = int64_t{1} << 48;

absl::Status Damaged(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("an index of weights is damaged: ", what));
}

absl::StatusOr<int64_t> CheckedBytes(const v1::WeightsTensor& tensor) {
  if (tensor.shape_size() > kMostRank) return Damaged("a shape has too many entries");
  int64_t bytes = sizeof(float);
  for (const int64_t extent : tensor.shape()) {
    if (extent < 1 || __builtin_mul_overflow(bytes, extent, &bytes) || bytes > kMostBytes)
      return Damaged("a shape is out of range");
  }
  return bytes;
}

absl::Status CheckPiece(const v1::WeightsPiece& piece, std::set<absl::string_view>& names) {
  if (!base::ParseSha256(piece.blob().sha256()).ok()) return Damaged("a digest is none");
  if (piece.tensors().empty()) return Damaged("a piece has no tensors");
  int64_t bytes = 0;
  for (const v1::WeightsTensor& tensor : piece.tensors()) {
    const std::string& name = tensor.name();
    if (name.empty() || name.size() > kMostNameBytes) return Damaged("a name is empty or too long");
    if (!names.insert(name).second)
      return Damaged(absl::StrCat("there is a second tensor \"", base::Shown(name), "\""));
    ASSIGN_OR_RETURN(const int64_t of_tensor, CheckedBytes(tensor));
    bytes += of_tensor;
    if (bytes > kMostBytes) return Damaged("a piece is out of range");
  }
  return bytes == piece.blob().size() ? absl::OkStatus()
                                      : Damaged("a piece is not as long as its tensors");
}

}  // namespace

absl::StatusOr<v1::WeightsIndex> ParseWeightsIndex(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxWeightsIndexBytes) return Damaged("it is too long");
  v1::WeightsIndex index;
  if (!index.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Damaged("it is no such message");
  if (index.format() != kWeightsIndexFormat)
    return Damaged(
        absl::StrCat("it has format ", index.format(), ", known is ", kWeightsIndexFormat));
  if (index.pieces_size() > kMaxWeightsPieces) return Damaged("it has too many pieces");
  std::set<absl::string_view> names;
  for (const v1::WeightsPiece& piece : index.pieces()) RETURN_IF_ERROR(CheckPiece(piece, names));
  return index;
}

v1::WeightsIndex CutWeights(std::vector<v1::WeightsTensor> tensors) {
  v1::WeightsIndex index;
  index.set_format(kWeightsIndexFormat);
  v1::WeightsPiece* piece = nullptr;  // the one that is not full yet
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (piece == nullptr) piece = index.add_pieces();
    const bool layer_ends = i + 1 == tensors.size() || LayerOfTensor(tensors[i].name()) !=
                                                           LayerOfTensor(tensors[i + 1].name());
    const int64_t bytes = piece->blob().size() + static_cast<int64_t>(TensorBytes(tensors[i]));
    piece->mutable_blob()->set_size(bytes);
    *piece->add_tensors() = std::move(tensors[i]);
    if (layer_ends && bytes >= kLeastPieceBytes) piece = nullptr;
  }
  return index;
}

uint64_t TensorBytes(const v1::WeightsTensor& tensor) {
  uint64_t bytes = sizeof(float);
  for (const int64_t extent : tensor.shape()) bytes *= static_cast<uint64_t>(extent);
  return bytes;
}

absl::string_view LayerOfTensor(absl::string_view name) { return name.substr(0, name.find('/')); }

}  // namespace gradus::formats
