// SPDX-License-Identifier: Apache-2.0
// Decimal numbers with a unit, the ground of byte sizes and durations.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gradus::base {

// A decimal number as an integer numerator over a power of ten.
struct Decimal {
  uint64_t numerator;
  uint64_t denominator;

  // This many units of `unit`, rounded down; nothing when it does not fit.
  std::optional<uint64_t> Times(uint64_t unit) const;
};

// Takes digits with at most one point and nine digits behind it from the front of `text`. Nothing,
// with `text` as it was, when there is none or it is too large.
std::optional<Decimal> TakeDecimal(std::string_view& text);

}  // namespace gradus::base
