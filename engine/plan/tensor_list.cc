// SPDX-License-Identifier: Apache-2.0
// The digest over named tensors.
#include "engine/plan/tensor_list.h"

#include <bit>
#include <string_view>

namespace gradus::plan {

static_assert(std::endian::native == std::endian::little,
              "numbers are hashed as they lie in memory");

void WeightsDigest::Begin(const std::string& name, std::span<const int64_t> shape) {
  hash_.Update(name);
  hash_.Update(std::string_view("\0F32\0", 5));
  const auto dimensions = static_cast<int64_t>(shape.size());
  hash_.Update(std::as_bytes(std::span(&dimensions, 1)));
  hash_.Update(std::as_bytes(shape));
}

void WeightsDigest::Add(std::span<const float> values) { hash_.Update(std::as_bytes(values)); }

std::string WeightsDigest::Finish() { return base::ToHex(hash_.Finish()); }

std::string WeightsSha256(std::span<const NamedTensor> tensors) {
  WeightsDigest digest;
  for (const NamedTensor& tensor : tensors) {
    digest.Begin(tensor.name, tensor.shape);
    digest.Add(tensor.values);
  }
  return digest.Finish();
}

}  // namespace gradus::plan
