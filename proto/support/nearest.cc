// SPDX-License-Identifier: Apache-2.0
// Optimal string alignment distance over three rows.
#include "proto/support/nearest.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"

namespace gradus::support {
namespace {

// Longer words are nobody's typing error, and the distance takes quadratic time.
constexpr size_t kLongestWord = 128;

}  // namespace

int EditDistance(absl::string_view a, absl::string_view b) {
  const std::string left = absl::AsciiStrToLower(a);
  const std::string right = absl::AsciiStrToLower(b);
  std::vector<int> before_last(right.size() + 1);
  std::vector<int> last(right.size() + 1);
  std::vector<int> row(right.size() + 1);
  for (size_t j = 0; j <= right.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= left.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= right.size(); ++j) {
      const int replaced = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped =
          i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[right.size()];
}

std::optional<std::string> NearestWord(absl::string_view word,
                                       const std::vector<std::string>& known) {
  if (word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string> nearest;
  int best = std::numeric_limits<int>::max();
  for (const std::string& candidate : known) {
    if (candidate.size() > kLongestWord) continue;
    const int distance = EditDistance(word, candidate);
    const int allowed =
        std::max<int>(1, static_cast<int>(std::max(word.size(), candidate.size())) / 3);
    if (distance <= allowed && distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace gradus::support
