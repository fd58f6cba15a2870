// SPDX-License-Identifier: Apache-2.0
// Weights outside a plan: named tensors in their published shapes, and the digest over them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/sha256.h"

namespace gradus::plan {

// One f32 tensor in C order.
struct NamedTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

// The digest of tensors that come one after another, a piece of their values at a time.
//   Threads  one.
class WeightsDigest {
 public:
  // All values of the tensor before have been added.
  void Begin(const std::string& name, std::span<const int64_t> shape);
  void Add(std::span<const float> values);
  // As WeightsSha256. Once.
  std::string Finish();

 private:
  base::Sha256 hash_;
};

// Hexadecimal SHA-256 over names, shapes and values, in the given order; the bytes hashed are those
// that Job.weights_sha256 documents.
std::string WeightsSha256(std::span<const NamedTensor> tensors);

}  // namespace gradus::plan
