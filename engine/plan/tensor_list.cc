// SPDX-License-Identifier: Apache-2.0
// The digest over named tensors.
#include "engine/plan/tensor_list.h"

#include <bit>
#include <string_view>

#include "engine/base/sha256.h"

namespace gradus::plan {

static_assert(std::endian::native == std::endian::little,
              "numbers are hashed as they lie in memory");

std::string WeightsSha256(std::span<const NamedTensor> tensors) {
  base::Sha256 hash;
  for (const NamedTensor& tensor : tensors) {
    hash.Update(tensor.name);
    hash.Update(std::string_view("\0F32\0", 5));
    const auto dimensions = static_cast<int64_t>(tensor.shape.size());
    hash.Update(std::as_bytes(std::span(&dimensions, 1)));
    hash.Update(std::as_bytes(std::span(tensor.shape)));
    hash.Update(std::as_bytes(std::span(tensor.values)));
  }
  return base::ToHex(hash.Finish());
}

}  // namespace gradus::plan
