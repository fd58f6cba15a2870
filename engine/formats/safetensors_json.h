// SPDX-License-Identifier: Apache-2.0
// The JSON inside a safetensors header, read event by event so that nesting, size and repeated keys
// of hostile text cost nothing.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/formats/safetensors.h"

namespace gradus::formats {

// Fills `tensors` (in the text's order) and `metadata`. Nothing is checked across fields: see
// ParseSafetensorsHeader.
//   Errors  INVALID_ARGUMENT: no JSON, another shape of it than the format's, a key twice, a
//   missing field, more than 16 dimensions.
absl::Status ParseSafetensorsJson(std::string_view text, std::vector<TensorInfo>& tensors,
                                  TensorMetadata& metadata);

}  // namespace gradus::formats
