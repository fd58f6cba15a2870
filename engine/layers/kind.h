// SPDX-License-Identifier: Apache-2.0
// What a layer is to the rest of the engine: a constant struct of facts and functions, one a member
// of the oneof `Layer.kind`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/kernels/operation.h"
#include "engine/layers/folding.h"
#include "engine/layers/onnx.h"
#include "engine/layers/sample.h"
#include "engine/layers/weight.h"
#include "gradus/v1/activations.pb.h"
#include "gradus/v1/model.pb.h"

namespace gradus::layers {

// One link of the chain of operations that a layer is lowered to; each takes the output of the one
// before it, the first the layer's inputs.
struct Lowered {
  std::unique_ptr<const kernels::Operation> operation;
  // Which of the layer's weights it works with, in the operation's order.
  std::vector<int> weights;
  // The activation that it is, for losses that take its place; KIND_NOT_SET for all else.
  v1::Activation::KindCase activation = v1::Activation::KIND_NOT_SET;
};

// The rows that a layer adapts to.
struct AdaptRows {
  int64_t count = 0;
  // Row i, valid until the next call.
  std::function<std::span<const float>(int64_t i)> row;
};

// A kind of layer.
//   Shapes   without the batch.
//   Threads  immutable; the functions are pure.
//   Errors   INVALID_ARGUMENT with a path below the kind's own message ("units"), or without one
//   when the layer as a whole does not fit its inputs.
struct LayerKind {
  v1::Layer::KindCase field;
  const char* documentation;
  const char* source;
  // How many inputs it takes.
  int min_inputs;
  int max_inputs;
  // Checks the settings and fills in every default.
  absl::Status (*check)(v1::Layer& spec);
  // The output's shape, or why these inputs do not fit. Called before `weights` and `lower`, which
  // may rely on it.
  absl::StatusOr<Shape> (*infer)(const v1::Layer& spec, std::span<const Shape> inputs);
  std::vector<Weight> (*weights)(const v1::Layer& spec, std::span<const Shape> inputs);
  std::vector<Lowered> (*lower)(const v1::Layer& spec, std::span<const Shape> inputs);
  // One row, in double precision and as plainly as can be: what the tests hold the kernels against.
  std::vector<double> (*reference)(const v1::Layer& spec, std::span<const Shape> shapes,
                                   std::span<const std::vector<double>> inputs,
                                   std::span<const std::vector<double>> weights);
  // For a kind whose rows are not independent in training: a whole batch, each input [rows, shape],
  // as `reference` has it for a row of an evaluation. Appends to `statistics` what the batch says
  // of each statistic among the weights, in their order. Null for all others.
  std::vector<double> (*batch_reference)(const v1::Layer& spec, std::span<const Shape> shapes,
                                         int64_t rows, std::span<const std::vector<double>> inputs,
                                         std::span<const std::vector<double>> weights,
                                         std::vector<std::vector<double>>* statistics) = nullptr;
  // For a kind whose weights follow from the training rows: whether this layer's do, and all of
  // them, in their order, as the rows of its input say. Null for all others.
  bool (*adapts)(const v1::Layer& spec) = nullptr;
  std::vector<std::vector<float>> (*adapt)(const v1::Layer& spec, const Shape& input,
                                           const AdaptRows& rows) = nullptr;
  // For a kind that in an evaluation scales and shifts the channels of its last axis: how. Null for
  // all others.
  ChannelMap (*channel_map)(const v1::Layer& spec, const WeightValues& weights) = nullptr;
  // Changes a layer so that its output is what `after` made of it; false, and nothing is changed,
  // where that cannot be. `output` is its shape. Null for kinds that never can.
  bool (*absorb_after)(v1::Layer& spec, const ChannelMap& after, const Shape& output,
                       WeightValues& weights) = nullptr;
  // Changes a layer so that it gives for x what it gave for `before` of x. `input` is the shape; it
  // may have lost axes of the map's, whose channels its last axis then repeats.
  bool (*absorb_before)(v1::Layer& spec, const ChannelMap& before, const Shape& input,
                        WeightValues& weights) = nullptr;
  // In training it draws random numbers; `reference` is what it does in an evaluation.
  bool random = false;
  // What it ends with, of a kind that has a field for that; null for all others.
  const v1::Activation& (*activation)(const v1::Layer& spec) = nullptr;
  // Writes it into an ONNX model, as it is in an evaluation, and gives the value that is its
  // output. The error says what ONNX has no words for.
  absl::StatusOr<onnx::Value> (*onnx)(const OnnxUse& use, onnx::ModelWriter& model);
  // Layers that the conformance tests run.
  std::vector<Sample> (*samples)();
};

// Every kind; written by the CMake list.
std::span<const LayerKind* const> Table();
// Null when the oneof is not set.
const LayerKind* Find(const v1::Layer& spec);
// The oneof member's name: "dense".
std::string Word(const LayerKind& kind);
// Whether it, or what it ends with, draws random numbers in training. REQUIRES: `spec` is checked.
bool Draws(const v1::Layer& spec);

}  // namespace gradus::layers
