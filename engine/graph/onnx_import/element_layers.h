// SPDX-License-Identifier: Apache-2.0
// Layers that work on each element by itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/onnx_import/node_use.h"

namespace gradus::onnx_import {

// `rows` with the activation: as that of the layer that they come from, where it has none yet and
// is read by nobody else, or as a layer. `weights`: the activation's.
absl::StatusOr<Rows> Activated(NodeUse& use, const Rows& rows, const v1::Activation& activation,
                               std::vector<GivenWeight> weights = {});

// max(low, min(high, x)), where either may be missing: a relu that is moved.
absl::StatusOr<Rows> Clipped(NodeUse& use, const Rows& rows, std::optional<float> low,
                             std::optional<float> high);

// x * scale + offset.
absl::StatusOr<Rows> Rescaled(NodeUse& use, const Rows& rows, double scale, double offset);

// x * scale or x + offset for each index of one axis. What is added to a product without a bias
// becomes that; all else a batch normalization that stays as it is.
absl::StatusOr<Rows> Scaled(NodeUse& use, const Rows& rows, const onnx::Constant& scale);
absl::StatusOr<Rows> Shifted(NodeUse& use, const Rows& rows, const onnx::Constant& offset,
                             const std::string& from);

}  // namespace gradus::onnx_import
