// SPDX-License-Identifier: Apache-2.0
// Shapes of rows as layers see them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gradus::layers {

// How many values. REQUIRES: they fit, as a graph's shapes do.
int64_t CountOf(std::span<const int64_t> shape);
// "(28, 28)".
std::string TextOf(std::span<const int64_t> shape);

}  // namespace gradus::layers
