// SPDX-License-Identifier: Apache-2.0
// The order in which an epoch takes the rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gradus::data {

// A permutation of the rows that follows from seed and epoch alone, so that no state needs saving:
// a resumed run asks for the same epoch again.
//   Owns     4 bytes a row, taken once.
//   Threads  one caller at a time.
//   Source   Fisher and Yates's shuffle over Philox4x32-10 (engine/base/philox.h).
class Shuffler {
 public:
  // Without `shuffle` every epoch takes the rows as they are stored. REQUIRES: 0 <= rows < 2^32.
  Shuffler(int64_t rows, bool shuffle, uint64_t seed);

  // The rows in the order of `epoch` (counted over the whole run). Valid until the next call.
  std::span<const uint32_t> Order(int64_t epoch);

 private:
  bool shuffle_;
  uint64_t seed_;
  std::vector<uint32_t> order_;
};

}  // namespace gradus::data
