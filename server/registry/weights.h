// SPDX-License-Identifier: Apache-2.0
// Weights as blobs: an index, and the pieces that it names, which other indices may name as well.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/weights.pb.h"
#include "server/registry/parse_output.h"
#include "server/store/blobs.h"
#include "server/store/store.h"

namespace gradus::registry {

// The index, checked.
//   Errors   NOT_FOUND where it is not stored, DATA_LOSS where its bytes are not those of its digest, INVALID_ARGUMENT for
//            one that is none.
absl::StatusOr<v1::WeightsIndex> ReadIndex(store::BlobStore& blobs, const v1::BlobRef& index);

// Stores what a parser wrote, piece by piece, and then its index, whose blob is returned.
//   Errors   INTERNAL where index and bytes do not fit each other; as BlobStore::Adopt.
absl::StatusOr<v1::BlobRef> StoreWeights(store::BlobStore& blobs, const ParseOutput& output,
                                         v1::WeightsIndex index);

// BlobStore::AddRef for an index: its pieces stay as long as it does.
//   Errors   as AddRef and ReadIndex; FAILED_PRECONDITION where a piece is not stored.
absl::Status AddWeightsRef(store::Tx& tx, store::BlobStore& blobs, const v1::BlobRef& index,
                           const std::string& kind, const std::string& owner);

// The index itself, or the piece of it that has this digest; nullopt where neither has. The index
// has a reference.
absl::StatusOr<std::optional<v1::BlobRef>> FindPart(store::ReadTx& tx, const v1::BlobRef& index,
                                                    const std::string& sha256);

}  // namespace gradus::registry
