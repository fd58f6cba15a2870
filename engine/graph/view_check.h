// SPDX-License-Identifier: Apache-2.0
// Checks a data view against what is known of its dataset, without reading a row.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/training/losses/target.h"
#include "gradus/v1/data.pb.h"

namespace gradus::graph {

// Fills in the view's defaults and checks it: dataset, split, shapes, range, labels, take, scale,
// offset.
//   path      "data.train".
//   target    null: rows are taken for their inputs alone, and labels only pick them.
//   Returns   the number of rows left, or nullopt where only a look at the labels can tell.
//   Errors    INVALID_ARGUMENT with the field's path.
absl::StatusOr<std::optional<int64_t>> CheckView(v1::DataView& view, absl::string_view path,
                                                 std::span<const v1::Dataset> datasets,
                                                 std::span<const int64_t> input_shape,
                                                 const losses::Target* target);

}  // namespace gradus::graph
