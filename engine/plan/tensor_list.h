// SPDX-License-Identifier: Apache-2.0
// Weights outside a plan: named tensors in their published shapes, and the digest over them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gradus::plan {

// One f32 tensor in C order.
struct NamedTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

// Hexadecimal SHA-256 over names, shapes and values, in the given order; the bytes hashed are those
// that Job.weights_sha256 documents.
std::string WeightsSha256(std::span<const NamedTensor> tensors);

}  // namespace gradus::plan
