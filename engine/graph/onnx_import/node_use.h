// SPDX-License-Identifier: Apache-2.0
// One node while it is imported: what it takes and says, and what it gives.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/formats/onnx/model_graph.h"
#include "engine/graph/onnx_import/network.h"
#include "engine/graph/onnx_import/rows.h"

namespace gradus::onnx_import {

// The values of a graph by name, and how often each is used.
class Values {
 public:
  explicit Values(const onnx::ModelGraph& graph);
  // Null for what has not been given.
  const Value* Find(const std::string& name) const;
  // As input or output of the graph.
  int uses(const std::string& name) const;
  void Give(const std::string& name, Value value);
  // Keeps it as long as this.
  const onnx::Constant* Keep(onnx::Constant constant);

 private:
  std::map<std::string, Value> values_;
  std::map<std::string, int> uses_;
  std::vector<std::unique_ptr<const onnx::Constant>> kept_;
};

// A node whose attributes are known and of the right type.
//   Threads  one call at a time.
//   Errors   UNIMPLEMENTED says what Gradus has no word for; INVALID_ARGUMENT what ONNX has none for.
class NodeUse {
 public:
  // `batch`: the number of rows that the model was written for; 0 where it is open.
  NodeUse(const onnx::Node& node, int64_t opset, int64_t batch, Values& values, Network& network)
      : node_(node), opset_(opset), batch_(batch), values_(values), network_(network) {}

  const onnx::Node& node() const { return node_; }
  int64_t opset() const { return opset_; }
  int64_t batch() const { return batch_; }
  Network& network() { return network_; }
  const Network& network() const { return network_; }

  size_t inputs() const { return node_.inputs.size(); }
  bool Has(size_t input) const;
  const std::string& name_of(size_t input) const { return node_.inputs[input]; }
  bool IsRows(size_t input) const;
  bool IsFilled(size_t input) const;
  // Rows as they are to be counted on: in ONNX's order, f32.
  absl::StatusOr<Rows> RowsAt(size_t input) const;
  // Rows of any type and order.
  absl::StatusOr<Rows> AnyRowsAt(size_t input) const;
  // Null for all else.
  const onnx::Constant* ConstantAt(size_t input) const;
  absl::StatusOr<const onnx::Constant*> FloatsAt(size_t input) const;
  absl::StatusOr<std::vector<int64_t>> IntegersAt(size_t input) const;
  // The one number that the input is everywhere: of a constant of one value.
  std::optional<float> NumberAt(size_t input) const;
  // Whether the input is left out, or zeros.
  bool IsNothing(size_t input) const;

  // Attributes, or what ONNX takes where they are not there.
  int64_t Integer(const char* name, int64_t fallback) const;
  float Float(const char* name, float fallback) const;
  std::string Text(const char* name, const char* fallback) const;
  std::vector<int64_t> Integers(const char* name, std::vector<int64_t> fallback = {}) const;
  std::vector<std::string> Texts(const char* name) const;
  std::vector<float> Floats(const char* name) const;
  bool Says(const char* name) const { return node_.attributes.contains(name); }

  // Whether somebody takes the output.
  bool Wanted(size_t output) const;
  absl::Status Give(Rows rows, size_t output = 0);
  absl::Status Give(onnx::Constant constant);
  absl::Status Give(Filled filled);
  // The input as it is.
  absl::Status Pass(size_t input);

  // What a layer of the node is called, where that is a name; what "layer/Op" begins with.
  std::string layer_name() const;
  // A layer of that name.
  absl::StatusOr<int> Add(v1::Layer spec, std::vector<int> inputs,
                          std::vector<GivenWeight> weights = {});
  static absl::Status Unknown(absl::string_view what);

 private:
  const Value* Find(size_t input) const;

  const onnx::Node& node_;
  const int64_t opset_;
  const int64_t batch_;
  Values& values_;
  Network& network_;
};

// A number as a person would write it: the shortest that is this float.
double Plain(float value);

}  // namespace gradus::onnx_import
