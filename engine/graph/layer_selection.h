// SPDX-License-Identifier: Apache-2.0
// Which layers words like "dense_1", ":-1" or "2:4" mean: for freeze, unfreeze and fetching parts
// of a model.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gradus::graph {

// Indices into `names`, ascending, of the layers that `selectors` mean together. A selector is a
// layer's name, or a slice START:END as in Python over the layers (either may be left out; negative
// numbers count from the end; no step).
//   Errors   INVALID_ARGUMENT with path PATH[i]: a name that is no layer (with the nearest one), a
//   slice that is malformed, leaves the
//            model, or selects nothing.
absl::StatusOr<std::vector<int>> SelectLayers(std::span<const std::string> names,
                                              std::span<const std::string> selectors,
                                              absl::string_view path);

// Those that one selector means; errors have PATH itself.
absl::StatusOr<std::vector<int>> SelectLayersOf(std::span<const std::string> names,
                                                const std::string& selector,
                                                absl::string_view path);

}  // namespace gradus::graph
