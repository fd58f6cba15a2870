// SPDX-License-Identifier: Apache-2.0
// What ONNX's recurrent nodes say, checked, and their weights as ours.
#include "engine/graph/onnx_import/recurrence.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/layers/activations/kind.h"

namespace gradus::onnx_import {
namespace {

absl::Status CheckShape(const onnx::Constant& constant, const Shape& wanted, const char* name) {
  if (constant.shape == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("its ", name, " has another shape than ONNX's"));
}

absl::Status CheckLeftOut(const NodeUse& use) {
  for (const size_t state : {5U, 6U})
    if (!use.IsNothing(state)) return NodeUse::Unknown("a state at the start that is no zeros");
  if (!use.IsNothing(7)) return NodeUse::Unknown("gates that see the cell (peepholes)");
  if (use.Says("clip")) return NodeUse::Unknown("sums that are cut (clip)");
  if (use.Integer("input_forget", 0) != 0) return NodeUse::Unknown("gates that are one");
  return absl::OkStatus();
}

// Sequences that end before the others would differ.
absl::Status CheckLengths(const NodeUse& use, int64_t steps) {
  if (!use.Has(4)) return absl::OkStatus();
  const onnx::Constant* lengths = use.ConstantAt(4);
  const bool whole =
      lengths != nullptr && lengths->integers() != nullptr &&
      std::ranges::all_of(*lengths->integers(), [&](int64_t length) { return length == steps; });
  return whole ? absl::OkStatus() : NodeUse::Unknown("sequences of different lengths");
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

}  // namespace

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
  RETURN_IF_ERROR(CheckLengths(use, found.steps));
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

}  // namespace gradus::onnx_import
