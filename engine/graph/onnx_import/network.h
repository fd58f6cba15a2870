// SPDX-License-Identifier: Apache-2.0
// A model in the making: layers with their shapes and weights.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/graph/graph.h"
#include "engine/graph/onnx_import/rows.h"
#include "engine/layers/weight.h"
#include "gradus/v1/model.pb.h"

namespace gradus::onnx_import {

using layers::Shape;

// A weight of a layer, in its published shape.
struct GivenWeight {
  // "kernel"
  std::string name;
  Shape shape;
  std::vector<float> values;
  // What it was made of, where it may be that of another layer: names of constants.
  std::string from;
};

struct MadeLayer {
  // Without name and inputs.
  v1::Layer spec;
  // What it would like to be called; may be empty.
  std::string name;
  std::vector<int> inputs;
  // Of its output.
  Shape shape;
  std::vector<GivenWeight> weights;
};

// Layers in the order in which they were added, so that inputs come before their users.
//   Shapes   without the batch.
//   Owns     layers and weights.
//   Threads  one call at a time.
//   Errors   INVALID_ARGUMENT where a layer does not fit its inputs or its weights, as its kind says
//            it.
class Network {
 public:
  // Weights and constants that are made may have `most_values` together.
  explicit Network(int64_t most_values) : values_left_(most_values) {}

  absl::StatusOr<int> AddInput(const std::string& name, Shape shape);
  // The layer's index.
  absl::StatusOr<int> Add(v1::Layer spec, std::vector<int> inputs,
                          std::vector<GivenWeight> weights = {}, absl::string_view name = "");
  // Puts other settings, and weights, in the place of a layer's.
  absl::Status Change(int layer, v1::Layer spec, std::vector<GivenWeight> weights);

  // Whether the rows are all that is read of a layer, so that it may become another one.
  bool MayChange(const Rows& rows) const;

  const Shape& shape_of(int source) const;
  // REQUIRES: an index of a layer.
  const MadeLayer& layer(int index) const { return layers_[static_cast<size_t>(index)]; }
  MadeLayer& layer(int index) { return layers_[static_cast<size_t>(index)]; }
  // Null for an input.
  const MadeLayer* Find(int source) const;

  // Counts values that are about to be made: INVALID_ARGUMENT beyond `most_values`.
  absl::Status TakeValues(int64_t count);

  // The layers that lead to `outputs`, which stay in this order, with names and inputs written out.
  // A layer with the weights of an earlier one shares them.
  struct Finished {
    v1::ModelSpec spec;
    // By LAYER/WEIGHT.
    std::map<std::string, std::vector<float>> weights;
  };
  absl::StatusOr<Finished> Finish(std::span<const int> outputs);

 private:
  std::vector<bool> Needed(std::span<const int> outputs) const;
  std::vector<std::string> Names(const std::vector<bool>& needed) const;
  absl::Status Fit(MadeLayer& made) const;

  std::vector<graph::ModelInput> inputs_;
  std::vector<MadeLayer> layers_;
  // Of each layer: how often another one reads it.
  std::vector<int> readers_;
  int64_t values_left_;
};

// The message of the layer's kind.
const google::protobuf::Message& SettingsOf(const v1::Layer& spec);
google::protobuf::Message& MutableSettingsOf(v1::Layer& spec);

}  // namespace gradus::onnx_import
