// SPDX-License-Identifier: Apache-2.0
#include "server/registry/weights.h"

#include <cstddef>
#include <span>
#include <tuple>
#include <utility>

#include "engine/base/mapped_file.h"
#include "engine/base/status.h"
#include "engine/formats/weights_index.h"
#include "server/registry/file_error.h"

namespace gradus::registry {
namespace {

// That the index is one, but for its digests, and speaks of `size` bytes.
absl::Status CheckClaims(v1::WeightsIndex index, uint64_t size) {
  const std::string any_digest(64, '0');
  uint64_t left = size;
  for (v1::WeightsPiece& piece : *index.mutable_pieces()) {
    piece.mutable_blob()->set_sha256(any_digest);
    const int64_t bytes = piece.blob().size();
    if (bytes < 1 || static_cast<uint64_t>(bytes) > left) return Nonsense();
    left -= static_cast<uint64_t>(bytes);
  }
  const std::string stored = index.SerializeAsString();
  const bool is_one = formats::ParseWeightsIndex(std::as_bytes(std::span(stored))).ok();
  return left == 0 && is_one ? absl::OkStatus() : Nonsense();
}

}  // namespace

absl::StatusOr<v1::WeightsIndex> ReadIndex(store::BlobStore& blobs, const v1::BlobRef& index) {
  // Before anything is read: whoever uploaded it may have chosen its size.
  if (static_cast<uint64_t>(index.size()) > formats::kMaxWeightsIndexBytes)
    return absl::InvalidArgumentError("an index of weights is too long");
  ASSIGN_OR_RETURN(const base::MappedFile file, blobs.Map(index));
  return formats::ParseWeightsIndex(file.bytes());
}

absl::StatusOr<v1::BlobRef> StoreWeights(store::BlobStore& blobs, const ParseOutput& output,
                                         v1::WeightsIndex index) {
  ASSIGN_OR_RETURN(const uint64_t size, output.Size());
  RETURN_IF_ERROR(CheckClaims(index, size));
  uint64_t offset = 0;
  for (v1::WeightsPiece& piece : *index.mutable_pieces()) {
    const auto bytes = static_cast<uint64_t>(piece.blob().size());
    ASSIGN_OR_RETURN(*piece.mutable_blob(), output.Part(offset, bytes));
    offset += bytes;
  }
  const std::string stored = index.SerializeAsString();
  return blobs.Put(std::as_bytes(std::span(stored)));
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
