// SPDX-License-Identifier: Apache-2.0
// What ONNX's recurrent nodes say, checked, and their weights as ours.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/onnx_import/node_use.h"
#include "gradus/v1/activations.pb.h"

namespace gradus::onnx_import {

// How one of the three differs from the others.
struct Cell {
  // Which of ONNX's gates our first one is, our second one, ...
  std::vector<size_t> gates;
  // Of ONNX's, where the node does not say any; the first is that of the gates where there are two.
  std::vector<std::string> functions;
  // Whether both biases are kept.
  bool two_biases = false;
};

// What the node says, checked.
struct Recurrence {
  Rows rows;
  int64_t steps = 0;
  int64_t inputs = 0;
  int64_t units = 0;
  // Ways through the sequence: 2 of a bidirectional one.
  size_t ways = 1;
  bool backwards = false;
  bool batch_first = false;
  const onnx::Constant* kernel = nullptr;
  const onnx::Constant* recurrent = nullptr;
  const onnx::Constant* bias = nullptr;
};

//   Errors  UNIMPLEMENTED: peepholes, clips, states at the start, sequences of different lengths.
absl::StatusOr<Recurrence> RecurrenceOf(const NodeUse& use, const Cell& cell);
// The functions of one way; both ways have the same.
absl::StatusOr<std::vector<v1::Activation>> FunctionsOf(const NodeUse& use, const Cell& cell,
                                                        size_t ways);
// Those of one way, then of the other, as layers have them.
std::vector<GivenWeight> WeightsOf(const NodeUse& use, const Cell& cell, const Recurrence& found);

}  // namespace gradus::onnx_import
