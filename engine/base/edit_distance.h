// SPDX-License-Identifier: Apache-2.0
// Finds the word that somebody probably meant.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gradus::base {

// Insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string
// alignment).
size_t EditDistance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, if one is near enough to be meant: a third of its letters, at
// least 1, may differ. The first of equals. Words longer than 64 bytes are near nothing: the work
// is bounded whatever comes from outside.
std::optional<std::string> NearestWord(std::string_view word,
                                       std::span<const std::string> candidates);

// "; did you mean \"units\"?" or nothing, for the end of a message.
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

}  // namespace gradus::base
