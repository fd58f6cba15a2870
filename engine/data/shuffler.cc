// SPDX-License-Identifier: Apache-2.0
// One permutation an epoch, made anew from its key.
#include "engine/data/shuffler.h"

#include <numeric>

#include "engine/base/philox.h"

namespace gradus::data {

Shuffler::Shuffler(int64_t rows, bool shuffle, uint64_t seed)
    : shuffle_(shuffle), seed_(seed), order_(static_cast<size_t>(rows)) {
  std::iota(order_.begin(), order_.end(), 0U);
}

std::span<const uint32_t> Shuffler::Order(int64_t epoch) {
  if (shuffle_) {
    base::FillPermutation({.seed = seed_,
                           .purpose = base::RandomPurpose::kShuffle,
                           .step = static_cast<uint64_t>(epoch)},
                          order_);
  }
  return order_;
}

}  // namespace gradus::data
