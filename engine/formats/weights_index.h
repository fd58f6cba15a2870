// SPDX-License-Identifier: Apache-2.0
// The index of stored weights: which pieces there are, and which tensors lie in each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gradus/v1/weights.pb.h"

namespace gradus::formats {

inline constexpr int kWeightsIndexFormat = 1;
inline constexpr int kMaxWeightsPieces = 16'384;
inline constexpr uint64_t kMaxWeightsIndexBytes = 16 << 20;

// A WeightsIndex out of a blob that nobody vouches for.
//   Errors  INVALID_ARGUMENT: no such message, another format, too many pieces, a digest that is none, a piece that is not
//           as long as its tensors, a name that is empty or comes twice, a shape out of range.
absl::StatusOr<v1::WeightsIndex> ParseWeightsIndex(std::span<const std::byte> bytes);

// An index of these tensors whose pieces have a size and no digest yet. A piece is of whole layers,
// as few as make 4 KiB: layers that several models have alike make equal pieces.
v1::WeightsIndex CutWeights(std::vector<v1::WeightsTensor> tensors);

// Bytes of one tensor of a checked index.
uint64_t TensorBytes(const v1::WeightsTensor& tensor);

// "dense" of "dense/kernel"; a layer's name has no slash.
absl::string_view LayerOfTensor(absl::string_view name);

}  // namespace gradus::formats
