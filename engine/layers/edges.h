// SPDX-License-Identifier: Apache-2.0
// Edges of images that are added or left out.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/kernels/border.h"
#include "google/protobuf/repeated_field.h"

namespace gradus::layers {

// One number, one for height and one for width, or top, bottom, left and right, become the last.
//   Errors   INVALID_ARGUMENT below `path`: each must be 0 to 16,384.
absl::Status FillEdges(absl::string_view path, google::protobuf::RepeatedField<int64_t>* edges,
                       int64_t fallback);

// As MakeBorder, in double precision.
std::vector<double> BorderReference(const kernels::Border& border, const std::vector<double>& x);

}  // namespace gradus::layers
