// SPDX-License-Identifier: Apache-2.0
// What reading a protobuf message will take, found before it is read.
#pragma once

#include <cstddef>
#include <span>

#include "absl/status/status.h"

namespace google::protobuf {
class Descriptor;
}

namespace gradus::onnx {

// Two bytes of a file may be a message of hundreds of bytes in memory, one byte a number of eight.
// Real models are mostly raw weights; a file of which that much memory would be made is none.
inline constexpr size_t kMostCostPerByte = 6;
inline constexpr size_t kMostFreeCost = 32 << 20;
// Messages within messages; a model without functions and subgraphs has six.
inline constexpr int kMostDepth = 16;

// Whether parsing `bytes` as a message of `type` takes at most
// kMostCostPerByte * bytes + kMostFreeCost.
//   Errors  INVALID_ARGUMENT, also for what is no such message.
absl::Status CheckParsingCost(const google::protobuf::Descriptor& type,
                              std::span<const std::byte> bytes);

}  // namespace gradus::onnx
