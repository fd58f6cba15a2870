// SPDX-License-Identifier: Apache-2.0
// Weights as the file that gets published.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "engine/plan/tensor_list.h"
#include "engine/trainer/trainer.h"

namespace gradus::trainer {

// DIR/NAME, safetensors: F32, the given order, published shapes, no metadata but the digest that
// says what the weights are.
absl::StatusOr<StoredFile> WriteWeights(base::Files& files, const std::string& dir,
                                        const std::string& name,
                                        std::span<const plan::NamedTensor> weights,
                                        const std::string& weights_sha256);

// All tensors of such a file, in its order.
//   Errors   DATA_LOSS for bytes that are none.
absl::StatusOr<std::vector<plan::NamedTensor>> ReadWeights(std::span<const std::byte> file);

}  // namespace gradus::trainer
