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

std::vector<v1::WeightsTensor> Describe(std::span<const plan::NamedTensor> tensors) {
  std::vector<v1::WeightsTensor> described;
  for (const plan::NamedTensor& tensor : tensors) {
    v1::WeightsTensor& one = described.emplace_back();
    one.set_name(tensor.name);
    one.mutable_shape()->Assign(tensor.shape.begin(), tensor.shape.end());
  }
  return described;
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
                                           const std::string& name,
                                           std::span<const plan::NamedTensor> weights) {
  StoredWeights stored;
  v1::WeightsIndex index = formats::CutWeights(Describe(weights));
  for (v1::WeightsPiece& piece : *index.mutable_pieces()) {
    ASSIGN_OR_RETURN(StoredFileWriter file, StoredFileWriter::Create(files, dir));
    for (int i = 0; i < piece.tensors_size(); ++i) {
      RETURN_IF_ERROR(file.Append(std::as_bytes(std::span(weights.front().values))));
      weights = weights.subspan(1);
    }
    ASSIGN_OR_RETURN(StoredFile written,
                     file.Commit(absl::StrCat(name, "-", stored.pieces.size(), ".piece")));
    piece.mutable_blob()->set_sha256(written.sha256);
    stored.pieces.push_back(std::move(written));
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
