// SPDX-License-Identifier: Apache-2.0
// What a ModelSpec means: its layers in topological order with inferred shapes, and its named
// weights.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gradus/v1/initializers.pb.h"
#include "gradus/v1/model.pb.h"

namespace gradus::layers {
struct LayerKind;
}

namespace gradus::graph {

// A layer may multiply the learning rate by so much.
inline constexpr double kMostRateFactor = 1000;

// The model's inputs have indices below those of the nodes: -1, -2, ...
inline constexpr int IndexOfInput(size_t input) { return -1 - static_cast<int>(input); }
inline constexpr bool IsModelInput(int index) { return index < 0; }
// REQUIRES: IsModelInput(index).
inline constexpr size_t InputOfIndex(int index) { return static_cast<size_t>(-1 - index); }

// What a model may cost at most. Checked before any memory is taken.
struct Limits {
  int64_t max_layers = 10'000;
  // All weights together.
  int64_t max_params = int64_t{1} << 36;
  // Values in one row of any layer's input or output.
  int64_t max_row_values = int64_t{1} << 28;
};

// One of the model's inputs.
struct ModelInput {
  // What layers call it; "input" where the model has an input_shape.
  std::string name;
  // One row, without the batch.
  std::vector<int64_t> shape;
  // Product of shape.
  int64_t values = 0;
};

// One weight tensor.
struct Parameter {
  // "LAYER/kernel", as in Keras.
  std::string name;
  // Index into Graph::nodes().
  int layer = 0;
  // As published: a dense kernel is (inputs, units).
  std::vector<int64_t> shape;
  // Product of shape.
  int64_t count = 0;
  // Its `kind` is always set.
  v1::Initializer initializer;
  int64_t fan_in = 0;
  int64_t fan_out = 0;
  // Gathered from the batches instead of trained, with this momentum; see layers::Weight.
  bool statistic = false;
  double momentum = 0;
  // A statistic that no batch moves.
  bool fixed = false;
  // Values that start at 1; see layers::Weight.
  int64_t ones_from = 0;
  int64_t ones_to = 0;
  // Without a kind: none.
  v1::Regularizer regularizer;
  v1::Constraint constraint;
};

// One layer, checked.
struct Node {
  std::string name;
  // Never null; lives for ever.
  const layers::LayerKind* kind = nullptr;
  // The layer's spec with every default filled in; where it shares another's weights, with that
  // one's kind and settings.
  v1::Layer spec;
  // The node that its weights belong to: itself, or the one whose it shares.
  int owner = 0;
  // Indices of earlier nodes and of the model's inputs.
  std::vector<int> inputs;
  // One row, without the batch.
  std::vector<int64_t> output_shape;
  // Its owner's weights: Graph::parameters()[first_parameter, first_parameter + parameters).
  int first_parameter = 0;
  int parameters = 0;
  // As the spec says, before any stage's freeze and unfreeze.
  bool trainable = true;
};

// A checked network.
//   Shapes   without the batch; every product fits an int64_t.
//   Owns     its nodes and parameters.
//   Threads  immutable: any.
//   Errors   INVALID_ARGUMENT with the field's path below "model", e.g.
//            "layers[3].dense.units: 0 is not a positive number, at most 16777216".
class Graph {
 public:
  static absl::StatusOr<Graph> Create(const v1::ModelSpec& spec, const Limits& limits = {});

  // The spec with generated names, inputs and every default filled in; Create takes it again and
  // gives the same graph.
  const v1::ModelSpec& spec() const { return spec_; }
  // In the order of the spec; inputs come before their users.
  std::span<const Node> nodes() const { return nodes_; }
  // In the order of the nodes, within a node as its kind lists them.
  std::span<const Parameter> parameters() const { return parameters_; }
  std::span<const Parameter> parameters_of(int node) const;
  std::vector<std::vector<int64_t>> input_shapes_of(int node) const;
  std::vector<std::string> layer_names() const;
  // Whether it gives the values of its input as they are, if under another shape.
  bool is_view(int node) const;

  // At least one.
  std::span<const ModelInput> inputs() const { return inputs_; }
  // Nodes whose outputs are the model's; at least one, none twice.
  std::span<const int> outputs() const { return outputs_; }
  // Whether the model has named outputs; else it has one, of its last layer.
  bool names_outputs() const { return spec_.outputs_size() > 0; }
  bool is_output(int node) const;
  std::span<const int64_t> output_shape(size_t output = 0) const;
  // Values in one row of all inputs together.
  int64_t input_values() const { return input_values_; }
  int64_t output_values(size_t output = 0) const;

  int64_t total_params() const { return total_params_; }
  // Weights, but statistics, of the layers for which `trainable[node]` holds.
  int64_t trainable_params(const std::vector<bool>& trainable) const;
  // The spec's own `trainable`, a node each.
  std::vector<bool> trainable() const;
  v1::ModelSummary Summary() const;

 private:
  friend class GraphBuilder;
  Graph() = default;
  // Of these nodes' outputs and these inputs.
  std::vector<std::vector<int64_t>> ShapesOf(std::span<const int> nodes) const;

  v1::ModelSpec spec_;
  std::vector<Node> nodes_;
  std::vector<Parameter> parameters_;
  std::vector<ModelInput> inputs_;
  std::vector<int> outputs_;
  int64_t input_values_ = 0;
  int64_t total_params_ = 0;
};

// Number of values in a tensor of this shape; the shape must have passed Create.
int64_t CountOf(std::span<const int64_t> shape);

}  // namespace gradus::graph
