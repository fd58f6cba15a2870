// SPDX-License-Identifier: Apache-2.0
// Reads decimals without rounding.
#include "engine/base/decimal.h"

namespace gradus::base {
namespace {

// Appends the digits in front of `text` to `value`, at most `limit`; how many, or nothing when the
// value does not fit.
std::optional<int> TakeDigits(std::string_view& text, uint64_t& value, int limit) {
  int count = 0;
  for (; count < limit && !text.empty() && text.front() >= '0' && text.front() <= '9'; ++count) {
    if (__builtin_mul_overflow(value, uint64_t{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<uint64_t>(text.front() - '0'), &value))
      return std::nullopt;
    text.remove_prefix(1);
  }
  return count;
}

}  // namespace

std::optional<uint64_t> Decimal::Times(uint64_t unit) const {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(numerator) * unit / denominator;
  if (product > UINT64_MAX) return std::nullopt;
  return static_cast<uint64_t>(product);
}

std::optional<Decimal> TakeDecimal(std::string_view& text) {
  std::string_view rest = text;
  Decimal decimal{0, 1};
  const std::optional<int> whole = TakeDigits(rest, decimal.numerator, 20);
  if (!whole.has_value() || *whole == 0) return std::nullopt;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    const std::optional<int> behind = TakeDigits(rest, decimal.numerator, 9);
    if (!behind.has_value() || *behind == 0) return std::nullopt;
    for (int i = 0; i < *behind; ++i) decimal.denominator *= 10;
  }
  text = rest;
  return decimal;
}

}  // namespace gradus::base
