// SPDX-License-Identifier: Apache-2.0
#include "server/registry/weights.h"

#include <cstddef>
#include <span>
#include <tuple>
#include <utility>

#include "engine/base/mapped_file.h"
#include "engine/base/status.h"
#include "engine/formats/weights_index.h"

namespace gradus::registry {

absl::StatusOr<v1::WeightsIndex> ReadIndex(store::BlobStore& blobs, const v1::BlobRef& index) {
  // Before anything is read: whoever uploaded it may have chosen its size.
  if (static_cast<uint64_t>(index.size()) > formats::kMaxWeightsIndexBytes)
    return absl::InvalidArgumentError("an index of weights is too long");
  ASSIGN_OR_RETURN(const base::MappedFile file, blobs.Map(index));
  return formats::ParseWeightsIndex(file.bytes());
}

absl::StatusOr<v1::BlobRef> StoreWeights(store::BlobStore& blobs, const ParseOutput& output,
                                         v1::WeightsIndex index) {
  const auto nonsense = [] {
    return absl::InternalError("the parser's answer does not fit what it wrote");
  };
  ASSIGN_OR_RETURN(const uint64_t size, output.Size());
  uint64_t left = size;
  if (index.pieces_size() > formats::kMaxWeightsPieces) return nonsense();
  for (v1::WeightsPiece& piece : *index.mutable_pieces()) {
    const int64_t claimed = piece.blob().size();
    if (claimed < 1 || static_cast<uint64_t>(claimed) > left) return nonsense();
    const uint64_t bytes = static_cast<uint64_t>(claimed);
    ASSIGN_OR_RETURN(*piece.mutable_blob(), output.Part(size - left, bytes));
    left -= bytes;
  }
  const std::string bytes = index.SerializeAsString();
  const std::span<const std::byte> stored = std::as_bytes(std::span(bytes));
  if (left != 0 || !formats::ParseWeightsIndex(stored).ok()) return nonsense();
  return blobs.Put(stored);
}

absl::Status AddWeightsRef(store::Tx& tx, store::BlobStore& blobs, const v1::BlobRef& index,
                           const std::string& kind, const std::string& owner) {
  RETURN_IF_ERROR(store::BlobStore::AddRef(tx, index, kind, owner));
  ASSIGN_OR_RETURN(
      const auto known,
      tx.QueryOne<int64_t>("SELECT COUNT(*) FROM blob_refs WHERE kind = :kind AND owner = :owner",
                           std::string(store::kPartRef), index.sha256()));
  if (known.has_value() && std::get<0>(*known) > 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const v1::WeightsIndex content, ReadIndex(blobs, index));
  for (const v1::WeightsPiece& piece : content.pieces())
    RETURN_IF_ERROR(store::BlobStore::AddRef(tx, piece.blob(), store::kPartRef, index.sha256()));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::BlobRef>> FindPart(store::ReadTx& tx, const v1::BlobRef& index,
                                                    const std::string& sha256) {
  if (index.sha256() == sha256) return index;
  ASSIGN_OR_RETURN(
      const auto size,
      tx.QueryOne<int64_t>("SELECT b.size FROM blobs b JOIN blob_refs r ON r.sha256 = b.sha256"
                           " WHERE b.sha256 = :sha AND r.kind = :kind AND r.owner = :owner",
                           sha256, std::string(store::kPartRef), index.sha256()));
  if (!size.has_value()) return std::nullopt;
  v1::BlobRef part;
  part.set_sha256(sha256);
  part.set_size(std::get<0>(*size));
  return part;
}

}  // namespace gradus::registry
