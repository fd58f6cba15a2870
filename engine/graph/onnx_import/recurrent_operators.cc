// SPDX-License-Identifier: Apache-2.0
// LSTM, GRU and RNN: layers over sequences, one way or both.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/cutting.h"
#include "engine/graph/onnx_import/operators.h"
#include "engine/layers/activations/kind.h"

namespace gradus::onnx_import {
namespace {

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

absl::Status CheckShape(const onnx::Constant& constant, const Shape& wanted, const char* name) {
  if (constant.shape == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("its ", name, " has another shape than ONNX's"));
}

absl::Status CheckLeftOut(const NodeUse& use) {
  if (use.Has(4)) {
    const onnx::Constant* lengths = use.ConstantAt(4);
    if (lengths == nullptr || lengths->integers() == nullptr)
      return NodeUse::Unknown("sequences of different lengths");
  }
  for (const size_t state : {5U, 6U})
    if (!use.IsNothing(state)) return NodeUse::Unknown("a state at the start that is no zeros");
  if (!use.IsNothing(7)) return NodeUse::Unknown("gates that see the cell (peepholes)");
  if (use.Says("clip")) return NodeUse::Unknown("sums that are cut (clip)");
  if (use.Integer("input_forget", 0) != 0) return NodeUse::Unknown("gates that are one");
  return absl::OkStatus();
}

absl::StatusOr<Recurrence> RecurrenceOf(const NodeUse& use, const Cell& cell) {
  RETURN_IF_ERROR(CheckLeftOut(use));
  Recurrence found;
  ASSIGN_OR_RETURN(found.rows, use.RowsAt(0));
  found.batch_first = use.Integer("layout", 0) != 0;
  const size_t step = found.batch_first ? 1 : 0;
  if (found.rows.axes.size() != 3 || found.rows.axes[1 - step] != 0)
    return NodeUse::Unknown("the batch is not where sequences have it");
  found.steps = ExtentOf(use.network(), found.rows, step);
  found.inputs = ExtentOf(use.network(), found.rows, 2);
  const std::string direction = use.Text("direction", "forward");
  found.backwards = direction == "reverse";
  found.ways = direction == "bidirectional" ? 2 : 1;
  if (!found.backwards && found.ways == 1 && direction != "forward")
    return absl::InvalidArgumentError("its direction is none of ONNX's");
  ASSIGN_OR_RETURN(found.kernel, use.FloatsAt(1));
  ASSIGN_OR_RETURN(found.recurrent, use.FloatsAt(2));
  const auto ways = static_cast<int64_t>(found.ways);
  const auto gates = static_cast<int64_t>(cell.gates.size());
  if (found.recurrent->shape.size() != 3 || found.recurrent->size() == 0)
    return absl::InvalidArgumentError("its R has another shape than ONNX's");
  found.units = found.recurrent->shape[2];
  const int64_t columns = gates * found.units;
  RETURN_IF_ERROR(CheckShape(*found.kernel, {ways, columns, found.inputs}, "W"));
  RETURN_IF_ERROR(CheckShape(*found.recurrent, {ways, columns, found.units}, "R"));
  if (use.Integer("hidden_size", found.units) != found.units)
    return absl::InvalidArgumentError("its hidden_size is not that of R");
  if (!use.Has(3)) return found;
  ASSIGN_OR_RETURN(found.bias, use.FloatsAt(3));
  RETURN_IF_ERROR(CheckShape(*found.bias, {ways, 2 * columns}, "B"));
  return found;
}

// Sequences that end before the others would differ.
absl::Status CheckLengths(const NodeUse& use, int64_t steps) {
  if (!use.Has(4)) return absl::OkStatus();
  for (const int64_t length : *use.ConstantAt(4)->integers())
    if (length != steps) return NodeUse::Unknown("sequences of different lengths");
  return absl::OkStatus();
}

// Our kind of that name in ONNX's recurrent nodes.
absl::StatusOr<v1::Activation> FunctionOf(const std::string& name, float alpha, float beta) {
  for (const activations::ActivationKind* kind : activations::Table()) {
    const activations::OnnxStep& step = kind->onnx_step;
    if (step.name == nullptr || !absl::EqualsIgnoreCase(step.name, name) ||
        step.alpha.value_or(alpha) != alpha || step.beta.value_or(beta) != beta)
      continue;
    v1::Activation activation;
    activation.GetReflection()->MutableMessage(
        &activation, v1::Activation::descriptor()->FindFieldByNumber(kind->field));
    return activation;
  }
  return NodeUse::Unknown(absl::StrCat("a function ", base::Shown(name)));
}

// The functions of one way; both ways have the same.
absl::StatusOr<std::vector<v1::Activation>> FunctionsOf(const NodeUse& use, const Cell& cell,
                                                        size_t ways) {
  std::vector<std::string> names = use.Texts("activations");
  const std::vector<float> alphas = use.Floats("activation_alpha");
  const std::vector<float> betas = use.Floats("activation_beta");
  const size_t count = cell.functions.size();
  if (names.empty()) {
    for (size_t way = 0; way < ways; ++way)
      names.insert(names.end(), cell.functions.begin(), cell.functions.end());
  }
  if (names.size() != ways * count)
    return absl::InvalidArgumentError("its activations are not as many as ONNX's");
  for (size_t i = count; i < names.size(); ++i)
    if (names[i] != names[i - count]) return NodeUse::Unknown("two ways with different functions");
  // Only one function that is known has such numbers.
  for (const std::vector<float>* numbers : {&alphas, &betas})
    if (std::ranges::any_of(*numbers, [&](float number) { return number != numbers->front(); }))
      return NodeUse::Unknown("functions with several settings");
  const float alpha = alphas.empty() ? 1 : alphas[0];
  const float beta = betas.empty() ? 0 : betas[0];
  std::vector<v1::Activation> functions;
  for (size_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(functions.emplace_back(), FunctionOf(names[i], alpha, beta));
  }
  return functions;
}

// ONNX's rows of gates as our columns.
std::vector<float> Columns(const Cell& cell, const onnx::Constant& constant, size_t way,
                           int64_t units, int64_t inputs) {
  const auto width = static_cast<size_t>(units);
  const auto height = static_cast<size_t>(inputs);
  const size_t columns = cell.gates.size() * width;
  const std::vector<float>& rows = *constant.floats();
  std::vector<float> values;
  values.reserve(columns * height);
  for (size_t input = 0; input < height; ++input) {
    for (const size_t gate : cell.gates)
      for (size_t unit = 0; unit < width; ++unit)
        values.push_back(rows[(way * columns + gate * width + unit) * height + input]);
  }
  return values;
}

// Both parts, or their sum.
GivenWeight BiasOf(const Cell& cell, const onnx::Constant& constant, size_t way, int64_t units) {
  const auto width = static_cast<size_t>(units);
  const size_t columns = cell.gates.size() * width;
  GivenWeight bias = {
      .name = "bias", .shape = {static_cast<int64_t>(columns)}, .values = {}, .from = {}};
  std::vector<float> parts[2];
  for (size_t part = 0; part < 2; ++part) {
    for (const size_t gate : cell.gates) {
      const auto begin = constant.floats()->begin() +
                         static_cast<ptrdiff_t>((2 * way + part) * columns + gate * width);
      parts[part].insert(parts[part].end(), begin, begin + units);
    }
  }
  bias.values = std::move(parts[0]);
  if (cell.two_biases) {
    bias.shape.insert(bias.shape.begin(), 2);
    bias.values.insert(bias.values.end(), parts[1].begin(), parts[1].end());
  } else {
    std::ranges::transform(bias.values, parts[1], bias.values.begin(), std::plus<>());
  }
  return bias;
}

std::vector<GivenWeight> WeightsOf(const NodeUse& use, const Cell& cell, const Recurrence& found) {
  std::vector<GivenWeight> weights;
  const auto columns = static_cast<int64_t>(cell.gates.size()) * found.units;
  for (size_t way = 0; way < found.ways; ++way) {
    const std::string prefix = found.ways == 1 ? "" : way == 0 ? "forward_" : "backward_";
    weights.push_back({prefix + "kernel",
                       {found.inputs, columns},
                       Columns(cell, *found.kernel, way, found.units, found.inputs),
                       use.name_of(1)});
    weights.push_back({prefix + "recurrent_kernel",
                       {found.units, columns},
                       Columns(cell, *found.recurrent, way, found.units, found.units),
                       use.name_of(2)});
    if (found.bias == nullptr) continue;
    weights.push_back(BiasOf(cell, *found.bias, way, found.units));
    weights.back().name.insert(0, prefix);
    weights.back().from = use.name_of(3);
  }
  return weights;
}

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
  RETURN_IF_ERROR(CheckLengths(use, found.steps));
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
