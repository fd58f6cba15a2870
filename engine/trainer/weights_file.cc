// SPDX-License-Identifier: Apache-2.0
// Cuts weights into pieces, and puts them together again.
#include "engine/trainer/weights_file.h"

#include <bit>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/weights_index.h"
#include "engine/trainer/stored_file.h"

namespace gradus::trainer {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are stored as they lie in memory");

// A file takes a block of the disk at least.
constexpr size_t kLeastPieceBytes = 4096;

using Tensors = std::span<const plan::NamedTensor>;

// The first piece of what is left.
Tensors NextPiece(Tensors rest) {
  size_t bytes = 0;
  for (size_t i = 0; i < rest.size(); ++i) {
    bytes += rest[i].values.size() * sizeof(float);
    const bool layer_ends = i + 1 == rest.size() || formats::LayerOfTensor(rest[i].name) !=
                                                        formats::LayerOfTensor(rest[i + 1].name);
    if (layer_ends && bytes >= kLeastPieceBytes) return rest.first(i + 1);
  }
  return rest;
}

void Describe(Tensors tensors, const StoredFile& file, v1::WeightsPiece& piece) {
  piece.mutable_blob()->set_sha256(file.sha256);
  piece.mutable_blob()->set_size(file.size);
  for (const plan::NamedTensor& tensor : tensors) {
    v1::WeightsTensor& described = *piece.add_tensors();
    described.set_name(tensor.name);
    described.mutable_shape()->Assign(tensor.shape.begin(), tensor.shape.end());
  }
}

absl::StatusOr<v1::WeightsIndex> ReadIndex(const data::BlobOpener& open_blob,
                                           const v1::BlobRef& ref) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const base::MappedFile> file, open_blob(ref));
  absl::StatusOr<v1::WeightsIndex> index = formats::ParseWeightsIndex(file->bytes());
  if (!index.ok()) return absl::DataLossError(index.status().message());
  return index;
}

}  // namespace

absl::StatusOr<StoredWeights> WriteWeights(base::Files& files, const std::string& dir,
                                           const std::string& name, Tensors weights) {
  StoredWeights stored;
  v1::WeightsIndex index;
  index.set_format(formats::kWeightsIndexFormat);
  for (Tensors rest = weights; !rest.empty();) {
    const Tensors tensors = NextPiece(rest);
    rest = rest.subspan(tensors.size());
    ASSIGN_OR_RETURN(StoredFileWriter file, StoredFileWriter::Create(files, dir));
    for (const plan::NamedTensor& tensor : tensors)
      RETURN_IF_ERROR(file.Append(std::as_bytes(std::span(tensor.values))));
    ASSIGN_OR_RETURN(StoredFile piece,
                     file.Commit(absl::StrCat(name, "-", stored.pieces.size(), ".piece")));
    Describe(tensors, piece, *index.add_pieces());
    stored.pieces.push_back(std::move(piece));
  }
  if (index.pieces_size() > formats::kMaxWeightsPieces ||
      index.ByteSizeLong() > formats::kMaxWeightsIndexBytes)
    return absl::ResourceExhaustedError(
        "the model has too many layers for its weights to be stored");
  ASSIGN_OR_RETURN(StoredFileWriter file, StoredFileWriter::Create(files, dir));
  const std::string bytes = index.SerializeAsString();
  RETURN_IF_ERROR(file.Append(std::as_bytes(std::span(bytes))));
  ASSIGN_OR_RETURN(stored.index, file.Commit(absl::StrCat(name, ".index")));
  return stored;
}

absl::StatusOr<std::vector<plan::NamedTensor>> ReadWeights(
    const data::BlobOpener& open_blob, const v1::BlobRef& ref,
    absl::FunctionRef<bool(const std::string& name)> wanted) {
  ASSIGN_OR_RETURN(const v1::WeightsIndex index, ReadIndex(open_blob, ref));
  std::vector<plan::NamedTensor> weights;
  for (const v1::WeightsPiece& piece : index.pieces()) {
    std::shared_ptr<const base::MappedFile> file;
    size_t at = 0;
    for (const v1::WeightsTensor& tensor : piece.tensors()) {
      const size_t bytes = formats::TensorBytes(tensor);
      const size_t begin = std::exchange(at, at + bytes);
      if (!wanted(tensor.name())) continue;
      if (file == nullptr) {
        ASSIGN_OR_RETURN(file, open_blob(piece.blob()));
        if (static_cast<int64_t>(file->size()) != piece.blob().size())
          return absl::DataLossError("a piece of weights has another size");
      }
      std::vector<float> values(bytes / sizeof(float));
      std::memcpy(values.data(), file->bytes().subspan(begin, bytes).data(), bytes);
      weights.push_back(
          {tensor.name(), {tensor.shape().begin(), tensor.shape().end()}, std::move(values)});
    }
  }
  return weights;
}

absl::StatusOr<graph::PublishedTensors> ReadShapes(const data::BlobOpener& open_blob,
                                                   const v1::BlobRef& ref) {
  ASSIGN_OR_RETURN(const v1::WeightsIndex index, ReadIndex(open_blob, ref));
  graph::PublishedTensors shapes;
  for (const v1::WeightsPiece& piece : index.pieces()) {
    for (const v1::WeightsTensor& tensor : piece.tensors())
      shapes[tensor.name()] = {tensor.shape().begin(), tensor.shape().end()};
  }
  return shapes;
}

}  // namespace gradus::trainer
