// SPDX-License-Identifier: Apache-2.0
// Weights as the files that get published.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "engine/data/view.h"
#include "engine/graph/start_plan.h"
#include "engine/plan/tensor_list.h"
#include "engine/trainer/trainer.h"

namespace gradus::trainer {

// DIR/NAME.index, a WeightsIndex of f32 tensors in the given order with their published shapes, and
// its pieces DIR/NAME-0.piece, ... A piece is of whole layers, as few as make 4 KiB: layers that
// several models have alike make equal pieces. The same weights give the same bytes.
//   Errors  RESOURCE_EXHAUSTED for more tensors than an index has; UNAVAILABLE as StoredFileWriter.
absl::StatusOr<StoredWeights> WriteWeights(base::Files& files, const std::string& dir,
                                           const std::string& name,
                                           std::span<const plan::NamedTensor> weights);

// The tensors of stored weights for which `wanted` holds, in their order; pieces without such are
// not opened.
//   Errors   DATA_LOSS for bytes that are none; the opener's as they are.
absl::StatusOr<std::vector<plan::NamedTensor>> ReadWeights(
    const data::BlobOpener& open_blob, const v1::BlobRef& index,
    absl::FunctionRef<bool(const std::string& name)> wanted = [](const std::string&) {
      return true;
    });

// Names and shapes of all tensors of stored weights.
absl::StatusOr<graph::PublishedTensors> ReadShapes(const data::BlobOpener& open_blob,
                                                   const v1::BlobRef& index);

}  // namespace gradus::trainer
