// SPDX-License-Identifier: Apache-2.0
// What an ONNX operator is to an import: a name, and functions that say it with layers.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "engine/graph/onnx_import/node_use.h"

namespace gradus::onnx_import {

// In the order of onnx::AttributeValue's alternatives.
enum class AttributeType { kInteger, kFloat, kText, kIntegers, kFloats, kTexts };

struct AttributeRule {
  const char* name;
  AttributeType type;
};

// What it does to the order of axes.
enum class AxisOrder {
  // It counts them, so that inputs of the model that it reads stay as they are.
  kCounted,
  // It keeps what it finds.
  kKept,
  // Channels are behind the batch: images and sequences that it reads are fed channels last.
  kChannelsFirst,
};

//   Threads  immutable; the functions work on the one NodeUse.
struct Operator {
  const char* name;
  // Gives the node's outputs. Inputs in this range are there, if perhaps as empty names, and
  // attributes are among `attributes`.
  absl::Status (*import)(NodeUse& use);
  size_t min_inputs = 1;
  size_t max_inputs = 1;
  std::span<const AttributeRule> attributes = {};
  AxisOrder order = AxisOrder::kCounted;
  // The same where all inputs are constants; null: `import` is asked.
  absl::Status (*fold)(NodeUse& use) = nullptr;
  // Each value that it gives is one of its first input's.
  bool only_moves = false;
};

// Operators of one file.
struct OperatorFamily {
  std::span<const Operator> operators;
};

// Every family; written by the CMake list.
std::span<const OperatorFamily* const> Table();
// Null where it is not known.
const Operator* Find(const std::string& op);
// Imports a node.
//   Errors   as NodeUse's; UNIMPLEMENTED for an operator or an attribute that is not known.
absl::Status Import(NodeUse& use);

}  // namespace gradus::onnx_import
