// SPDX-License-Identifier: Apache-2.0
// Functions that ONNX has no operator for, and exporters write as several nodes.
#pragma once

#include "engine/formats/onnx/model_graph.h"

namespace gradus::onnx_import {

// What the last of such nodes becomes. No operator in a file has a point in its name.
//   Attributes  approximate; beta; threshold, slope and max_value; none.
inline constexpr char kGeluPattern[] = "gradus.gelu";
inline constexpr char kSwishPattern[] = "gradus.swish";
inline constexpr char kCutReluPattern[] = "gradus.cut_relu";
inline constexpr char kMishPattern[] = "gradus.mish";

// Puts one node in the place of the last of several that are together a gelu, a swish, a mish, a
// relu with settings or a layer normalization, as PyTorch and graph::ExportOnnx write them. The
// others stay, for those who need what is between.
void FindPatterns(onnx::ModelGraph& graph);

}  // namespace gradus::onnx_import
