// SPDX-License-Identifier: Apache-2.0
// How many rows of a column hold each value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace gradus::worker {

// More different values than these are no classes: nothing is reported then.
inline constexpr size_t kMaxLabels = 4096;

// Counts little-endian whole numbers that come in pieces of whole elements.
class LabelCounter {
 public:
  // Counts nothing for types other than U8, I8, I16, I32 and I64.
  explicit LabelCounter(const std::string& dtype);

  void Count(std::span<const std::byte> values);
  // Empty where nothing was to be counted or there were too many different values.
  const std::map<int64_t, int64_t>& counts() const { return counts_; }

 private:
  template <typename T>
  void CountAs(std::span<const std::byte> values);

  std::string dtype_;
  bool counting_;
  std::map<int64_t, int64_t> counts_;
};

}  // namespace gradus::worker
