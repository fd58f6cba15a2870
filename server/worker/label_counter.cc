// SPDX-License-Identifier: Apache-2.0
// Counting by type.
#include "server/worker/label_counter.h"

#include <cstring>

namespace gradus::worker {

LabelCounter::LabelCounter(const std::string& dtype)
    : dtype_(dtype),
      counting_(dtype == "U8" || dtype == "I8" || dtype == "I16" || dtype == "I32" ||
                dtype == "I64") {}

template <typename T>
void LabelCounter::CountAs(std::span<const std::byte> values) {
  for (size_t at = 0; at + sizeof(T) <= values.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, &values[at], sizeof(T));
    ++counts_[value];
    if (counts_.size() > kMaxLabels) {
      counts_.clear();
      counting_ = false;
      return;
    }
  }
}

void LabelCounter::Count(std::span<const std::byte> values) {
  if (!counting_) return;
  if (dtype_ == "U8") return CountAs<uint8_t>(values);
  if (dtype_ == "I8") return CountAs<int8_t>(values);
  if (dtype_ == "I16") return CountAs<int16_t>(values);
  if (dtype_ == "I32") return CountAs<int32_t>(values);
  CountAs<int64_t>(values);
}

}  // namespace gradus::worker
