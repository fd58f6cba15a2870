// SPDX-License-Identifier: Apache-2.0
// Stored weights for tests that care for blobs, not for values.
#pragma once

#include <string>

#include "engine/base/sha256.h"
#include "engine/formats/weights_index.h"
#include "gradus/v1/weights.pb.h"

namespace gradus::test_support {

struct SmallWeights {
  std::string piece;
  std::string index;
};

inline v1::BlobRef RefOf(const std::string& bytes) {
  v1::BlobRef ref;
  ref.set_sha256(base::Sha256Hex(std::string_view(bytes)));
  ref.set_size(static_cast<int64_t>(bytes.size()));
  return ref;
}

// One tensor whose values are `content`, filled up to whole floats.
inline SmallWeights WeightsOf(std::string content, const std::string& tensor = "dense/kernel") {
  content.resize((content.size() / sizeof(float) + 1) * sizeof(float));
  v1::WeightsIndex index;
  index.set_format(formats::kWeightsIndexFormat);
  v1::WeightsPiece& piece = *index.add_pieces();
  *piece.mutable_blob() = RefOf(content);
  piece.add_tensors()->set_name(tensor);
  piece.mutable_tensors(0)->add_shape(static_cast<int64_t>(content.size() / sizeof(float)));
  return {content, index.SerializeAsString()};
}

}  // namespace gradus::test_support
