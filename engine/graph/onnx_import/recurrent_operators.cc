// SPDX-License-Identifier: Apache-2.0
// LSTM, GRU and RNN: layers over sequences, one way or both.
#include <functional>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/cutting.h"
#include "engine/graph/onnx_import/operators.h"
#include "engine/graph/onnx_import/recurrence.h"

namespace gradus::onnx_import {
namespace {

// What all three kinds have; the gates' functions where there are some.
template <typename Spec>
void Set(const Recurrence& found, bool sequences, Spec& spec) {
  spec.set_units(found.units);
  if (found.bias == nullptr) spec.set_use_bias(false);
  if (sequences) spec.set_return_sequences(true);
  if (found.backwards) spec.set_go_backwards(true);
}

// The whole output: (steps, ways, batch, units), or with the batch first.
Rows AllSteps(const Recurrence& found, int source) {
  Rows rows = {.source = source};
  const size_t last = found.ways == 1 ? 2 : 3;
  const size_t way = found.ways == 1 ? kUnit : 2;
  rows.axes = found.batch_first ? std::vector<size_t>{0, 1, way, last}
                                : std::vector<size_t>{1, way, 0, last};
  if (found.backwards) rows.flipped = 1;
  return rows;
}

// That of the last step: (ways, batch, units), or with the batch first.
Rows LastStep(const Recurrence& found, int source) {
  const size_t way = found.ways == 1 ? kUnit : 1;
  const size_t last = found.ways;
  return {.source = source,
          .axes = found.batch_first ? std::vector<size_t>{0, way, last}
                                    : std::vector<size_t>{way, 0, last}};
}

// `build` writes the layer that gives all steps, or the last.
absl::Status Recurrent(NodeUse& use, const Cell& cell,
                       const std::function<void(const std::vector<v1::Activation>&,
                                                const Recurrence&, bool, v1::Layer&)>& build) {
  ASSIGN_OR_RETURN(const Recurrence found, RecurrenceOf(use, cell));
  ASSIGN_OR_RETURN(const std::vector<v1::Activation> functions, FunctionsOf(use, cell, found.ways));
  if (use.Wanted(0) && use.Wanted(1) && found.ways == 2)
    return NodeUse::Unknown("all outputs of both ways, and the last ones besides");
  const bool sequences = use.Wanted(0);
  const std::vector<size_t> axes =
      found.batch_first ? std::vector<size_t>{1, 2} : std::vector<size_t>{0, 2};
  ASSIGN_OR_RETURN(const int source, Arranged(use.network(), found.rows, axes));
  v1::Layer layer;
  build(functions, found, sequences, layer);
  ASSIGN_OR_RETURN(int made, use.Add(std::move(layer), {source}, WeightsOf(use, cell, found)));
  if (found.ways == 2) {
    Shape shape = use.network().shape_of(made);
    shape.back() = found.units;
    shape.insert(shape.end() - 1, 2);
    ASSIGN_OR_RETURN(made, Reshaped(use.network(), made, shape));
  }
  if (!sequences) return use.Give(LastStep(found, made), 1);
  Rows all = AllSteps(found, made);
  all.alone = !use.Wanted(1);
  RETURN_IF_ERROR(use.Give(std::move(all)));
  if (!use.Wanted(1)) return absl::OkStatus();
  const AxisEdges before[] = {{1, found.steps - 1, 0}};
  ASSIGN_OR_RETURN(const Rows last,
                   WithoutEdges(use, {.source = made, .axes = {0, 1, 2}, .alone = false}, before));
  ASSIGN_OR_RETURN(const int row, Reshaped(use.network(), last.source, {found.units}));
  return use.Give(LastStep(found, row), 1);
}

// Where the layer is, alone or as both ways.
template <auto kAlone, auto kBoth>
auto& Place(const Recurrence& found, v1::Layer& layer) {
  return found.ways == 1 ? *(layer.*kAlone)()
                         : *(layer.mutable_bidirectional()->mutable_layer()->*kBoth)();
}

bool IsField(const v1::Activation& activation, bool (v1::Activation::*has)() const) {
  return (activation.*has)();
}

absl::Status Lstm(NodeUse& use) {
  // i, o, f, c there and i, f, g, o here.
  const Cell cell = {.gates = {0, 2, 3, 1}, .functions = {"Sigmoid", "Tanh", "Tanh"}};
  bool same = true;
  RETURN_IF_ERROR(Recurrent(
      use, cell,
      [&](const std::vector<v1::Activation>& functions, const Recurrence& found, bool sequences,
          v1::Layer& layer) {
        auto& spec =
            Place<&v1::Layer::mutable_lstm, &v1::RecurrentLayer::mutable_lstm>(found, layer);
        Set(found, sequences, spec);
        same = functions[1].kind_case() == functions[2].kind_case();
        if (!IsField(functions[0], &v1::Activation::has_sigmoid))
          *spec.mutable_recurrent_activation() = functions[0];
        if (!IsField(functions[1], &v1::Activation::has_tanh))
          *spec.mutable_activation() = functions[1];
      }));
  return same ? absl::OkStatus()
              : NodeUse::Unknown("another function of what is let in than of what is let out");
}

absl::Status Gru(NodeUse& use) {
  const bool after = use.Integer("linear_before_reset", 0) != 0;
  const Cell cell = {.gates = {0, 1, 2}, .functions = {"Sigmoid", "Tanh"}, .two_biases = after};
  return Recurrent(use, cell,
                   [&](const std::vector<v1::Activation>& functions, const Recurrence& found,
                       bool sequences, v1::Layer& layer) {
                     auto& spec = Place<&v1::Layer::mutable_gru, &v1::RecurrentLayer::mutable_gru>(
                         found, layer);
                     Set(found, sequences, spec);
                     if (!after) spec.set_reset_after(false);
                     if (!IsField(functions[0], &v1::Activation::has_sigmoid))
                       *spec.mutable_recurrent_activation() = functions[0];
                     if (!IsField(functions[1], &v1::Activation::has_tanh))
                       *spec.mutable_activation() = functions[1];
                   });
}

absl::Status Rnn(NodeUse& use) {
  const Cell cell = {.gates = {0}, .functions = {"Tanh"}};
  return Recurrent(
      use, cell,
      [&](const std::vector<v1::Activation>& functions, const Recurrence& found, bool sequences,
          v1::Layer& layer) {
        auto& spec = Place<&v1::Layer::mutable_simple_rnn, &v1::RecurrentLayer::mutable_simple_rnn>(
            found, layer);
        Set(found, sequences, spec);
        if (!IsField(functions[0], &v1::Activation::has_tanh))
          *spec.mutable_activation() = functions[0];
      });
}

constexpr AttributeRule kRecurrent[] = {{"activation_alpha", AttributeType::kFloats},
                                        {"activation_beta", AttributeType::kFloats},
                                        {"activations", AttributeType::kTexts},
                                        {"clip", AttributeType::kFloat},
                                        {"direction", AttributeType::kText},
                                        {"hidden_size", AttributeType::kInteger},
                                        {"input_forget", AttributeType::kInteger},
                                        {"layout", AttributeType::kInteger},
                                        {"linear_before_reset", AttributeType::kInteger}};

constexpr Operator kOperators[] = {
    {"LSTM", Lstm, 3, 8, kRecurrent},
    {"GRU", Gru, 3, 6, kRecurrent},
    {"RNN", Rnn, 3, 6, kRecurrent},
};

}  // namespace

extern const OperatorFamily recurrent_operators_kind;
constinit const OperatorFamily recurrent_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
