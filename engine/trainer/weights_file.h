// SPDX-License-Identifier: Apache-2.0
// Weights as a file that can be published.
#pragma once

#include <span>
#include <string>

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

}  // namespace gradus::trainer
