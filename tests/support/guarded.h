// SPDX-License-Identifier: Apache-2.0
// A tensor between guards: a write outside it is found, and what is read outside it is NaN.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/kernels/kernel.h"

namespace gradus::test_support {

// Memory of a kernel's operand. It starts as NaNs, so that what a kernel leaves unwritten is found
// too.
class Guarded {
 public:
  // Begins `shift` bytes behind a 64-byte boundary.
  explicit Guarded(size_t bytes, size_t shift = 0)
      : bytes_(bytes), memory_(bytes + shift + 2 * kGuard + kAlignment, kPoison) {
    const auto address = reinterpret_cast<uintptr_t>(memory_.data()) + kGuard;
    begin_ = kGuard + (kAlignment - address % kAlignment) % kAlignment + shift;
    pointer_ = memory_.data() + begin_;
  }
  explicit Guarded(std::span<const float> values, size_t shift = 0)
      : Guarded(values.size_bytes(), shift) {
    std::ranges::copy(values, floats().begin());
  }
  // Cells point into it.
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  kernels::Cell cell() const { return &pointer_; }
  std::span<float> floats() const {
    return {static_cast<float*>(pointer_), bytes_ / sizeof(float)};
  }
  void Poison() {
    std::fill_n(memory_.begin() + static_cast<std::ptrdiff_t>(begin_), bytes_, kPoison);
  }
  bool Intact() const {
    const auto first = memory_.begin() + static_cast<std::ptrdiff_t>(begin_);
    const auto is_poison = [](std::byte byte) { return byte == kPoison; };
    return std::all_of(memory_.begin(), first, is_poison) &&
           std::all_of(first + static_cast<std::ptrdiff_t>(bytes_), memory_.end(), is_poison);
  }

 private:
  static constexpr size_t kGuard = 256;
  static constexpr size_t kAlignment = 64;
  // A float of such bytes is a NaN.
  static constexpr std::byte kPoison{0xFF};

  size_t bytes_;
  std::vector<std::byte> memory_;
  size_t begin_ = 0;
  void* pointer_ = nullptr;
};

}  // namespace gradus::test_support
