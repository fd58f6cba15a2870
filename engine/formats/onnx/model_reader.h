// SPDX-License-Identifier: Apache-2.0
// ONNX files, read from bytes that nobody vouches for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "engine/formats/onnx/model_graph.h"

namespace gradus::onnx {

// Versions of ONNX's operators that are read: broadcasting is as it is today since 7.
inline constexpr int64_t kLeastOpset = 7;
inline constexpr int64_t kMostOpset = 18;
// What a model may have; a file as a whole is at most 2^31 - 1 bytes, as protobuf has it.
inline constexpr int kMostNodes = 100'000;
inline constexpr int kMostTensors = 100'000;
inline constexpr int64_t kMostElements = int64_t{1} << 29;
inline constexpr int kMostInputs = 64;
inline constexpr int kMostOutputs = 64;

// The graph of a ModelProto. Other files are never opened; at most 16 times the file's size and
// 64 MiB are taken, which is known before it is parsed.
//   Shapes   an input's are known, but for the batch's.
//   Owns     all; `file` may go.
//   Errors   INVALID_ARGUMENT with the field's path ("graph.node[3].attribute"): what is no such
//            message or breaks a limit, values in other files, cycles, names that are missing or
//            there twice, open shapes. UNIMPLEMENTED: operators' versions and domains beyond
//            those above, functions, subgraphs, sparse tensors.
//   Source   ONNX 1.12, onnx/onnx-ml.proto and docs/IR.md
absl::StatusOr<ModelGraph> ReadModel(std::span<const std::byte> file);

}  // namespace gradus::onnx
