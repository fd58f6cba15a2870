// SPDX-License-Identifier: Apache-2.0
// A network out of an ONNX model.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gradus/v1/model.pb.h"

namespace gradus::onnx_import {

// An input or an output of the model.
struct ImportedEnd {
  // In the file.
  std::string name;
  // Axis i of a batch here is axis axes[i] of ONNX's; axis 0 is the batch.
  std::vector<size_t> axes;
};

struct ImportedModel {
  v1::ModelSpec spec;
  // Of Graph::Create(spec)->parameters(), in their order and published shapes.
  std::vector<std::vector<float>> weights;
  // In the order of the graph's.
  std::vector<ImportedEnd> inputs;
  std::vector<ImportedEnd> outputs;
};

// The network of a ModelProto, as graph::ExportOnnx and PyTorch write them: it gives in an
// evaluation what the model gives, but for rounding. README.md beside this file has the operators.
//   Shapes   Images and sequences that the model has with channels behind the batch have them last
//            here: an input (N, C, H, W) that is fed to a convolution is one of rows (H, W, C), and
//            an output likewise. Where the order of axes counts otherwise, it is ONNX's.
//   Errors   INVALID_ARGUMENT for what is no ONNX model or breaks a limit, as onnx::ReadModel has it;
//            UNIMPLEMENTED names the node, its operator, and what there is no layer for.
//   Source   ONNX 1.12, docs/Operators.md
absl::StatusOr<ImportedModel> ImportOnnx(std::span<const std::byte> file);

}  // namespace gradus::onnx_import
