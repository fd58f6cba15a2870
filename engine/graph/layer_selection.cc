// SPDX-License-Identifier: Apache-2.0
// Selecting layers by name or slice.
#include "engine/graph/layer_selection.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/edit_distance.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::graph {
namespace {

// One end of a slice as an index 0 to count; nullopt when it is no number or leaves the model.
std::optional<int64_t> SliceEnd(absl::string_view text, int64_t fallback, int64_t count) {
  if (text.empty()) return fallback;
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  if (value < 0) value += count;
  if (value < 0 || value > count) return std::nullopt;
  return value;
}

absl::StatusOr<std::vector<int>> Slice(absl::string_view selector, int64_t count,
                                       absl::string_view path) {
  const size_t colon = selector.find(':');
  const std::optional<int64_t> first = SliceEnd(selector.substr(0, colon), 0, count);
  const std::optional<int64_t> end = SliceEnd(selector.substr(colon + 1), count, count);
  if (!first || !end) {
    return base::InvalidArgument(path, absl::StrCat("\"", base::Shown(selector), "\""),
                                 absl::StrCat("a slice START:END within ", count,
                                              " layers, each end from ", -count, " to ", count));
  }
  if (*first >= *end) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                            absl::StrCat("\"", selector, "\" selects none of ", count, " layers"));
  }
  std::vector<int> selected;
  for (int64_t i = *first; i < *end; ++i) selected.push_back(static_cast<int>(i));
  return selected;
}

}  // namespace

absl::StatusOr<std::vector<int>> SelectLayersOf(std::span<const std::string> names,
                                                const std::string& selector,
                                                absl::string_view path) {
  if (selector.find(':') != std::string::npos)
    return Slice(selector, static_cast<int64_t>(names.size()), path);
  const auto found = std::find(names.begin(), names.end(), selector);
  if (found == names.end()) {
    return base::InvalidArgument(path, absl::StrCat("\"", base::Shown(selector), "\""),
                                 absl::StrCat("the name of a layer, nor a slice like \":-1\"",
                                              base::DidYouMean(selector, names)));
  }
  return std::vector<int>{static_cast<int>(found - names.begin())};
}

absl::StatusOr<std::vector<int>> SelectLayers(std::span<const std::string> names,
                                              std::span<const std::string> selectors,
                                              absl::string_view path) {
  std::set<int> selected;
  for (size_t i = 0; i < selectors.size(); ++i) {
    ASSIGN_OR_RETURN(const std::vector<int> layers,
                     SelectLayersOf(names, selectors[i], absl::StrCat(path, "[", i, "]")));
    selected.insert(layers.begin(), layers.end());
  }
  return std::vector<int>(selected.begin(), selected.end());
}

}  // namespace gradus::graph
