// SPDX-License-Identifier: Apache-2.0
// Recurrent layers in ONNX.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/layers/onnx.h"

namespace gradus::layers {

// A node with kernels W and R, biases B, and functions.
struct OnnxRecurrence {
  // RNN, GRU or LSTM.
  const char* op;
  int64_t units = 0;
  bool sequences = false;
  bool backwards = false;
  // Which of the layer's gates is ONNX's first one, second one, ...
  std::vector<size_t> gates;
  // In ONNX's order: of the gates, of what is let in, of what is let out.
  std::vector<const v1::Activation*> functions;
  // Whether the bias has a second part, which is added to the product with the last output.
  bool two_biases = false;
  std::vector<onnx::Attribute> settings = {};
};

// Errors  UNIMPLEMENTED for a function that ONNX's recurrent nodes do not know.
absl::StatusOr<onnx::Value> WriteRecurrence(const OnnxUse& use, const OnnxRecurrence& recurrence,
                                            onnx::ModelWriter& model);

// A sequence (steps, channels) with its last step first.
onnx::Value StepsReversed(const onnx::Value& x, int64_t steps, onnx::ModelWriter& model);

}  // namespace gradus::layers
