// SPDX-License-Identifier: Apache-2.0
// Parsers of bytes from outside, each as one function that a fuzzer and the replay of stored files
// call alike.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace gradus::fuzz {

struct FuzzTarget {
  // As the folders of its seeds and regressions are called.
  std::string_view name;
  // Parses the bytes, holds what the parser took to what it promises (Require), and returns the
  // parser's word.
  absl::Status (*run)(std::span<const std::byte> bytes);
};

// All targets; the build writes it.
std::span<const FuzzTarget* const> Table();

// Ends the process, with `what` on standard error, where a promise is broken.
void Require(bool holds, std::string_view what);

}  // namespace gradus::fuzz
