// SPDX-License-Identifier: Apache-2.0
// Recurrent layers in ONNX, which has steps before rows and a leading axis for directions.
#include "engine/layers/recurrent_onnx.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/layers/activations/kind.h"

namespace gradus::layers {
namespace {

// A row a column of the kernel (inputs, gates times units), gates in ONNX's order.
onnx::Tensor GatesFirst(const onnx::Tensor& kernel, const OnnxRecurrence& recurrence) {
  const auto units = static_cast<size_t>(recurrence.units);
  const size_t columns = recurrence.gates.size() * units;
  onnx::Tensor result{.name = kernel.name,
                      .shape = {1, static_cast<int64_t>(columns), kernel.shape[0]},
                      .values = {}};
  for (const size_t gate : recurrence.gates) {
    for (size_t unit = 0; unit < units; ++unit) {
      for (size_t at = gate * units + unit; at < kernel.values.size(); at += columns)
        result.values.push_back(kernel.values[at]);
    }
  }
  return result;
}

// Those of the inputs, then those of the last output: zeros where there are none.
onnx::Tensor BothBiases(const onnx::Tensor& bias, const OnnxRecurrence& recurrence) {
  const auto units = static_cast<size_t>(recurrence.units);
  const size_t columns = recurrence.gates.size() * units;
  onnx::Tensor result{
      .name = bias.name, .shape = {1, static_cast<int64_t>(2 * columns)}, .values = {}};
  for (const size_t part : {size_t{0}, size_t{1}}) {
    for (const size_t gate : recurrence.gates) {
      for (size_t unit = 0; unit < units; ++unit) {
        const size_t at = part * columns + gate * units + unit;
        result.values.push_back(part == 0 || recurrence.two_biases ? bias.values[at] : 0);
      }
    }
  }
  return result;
}

absl::StatusOr<std::vector<onnx::Attribute>> AttributesOf(const OnnxRecurrence& recurrence) {
  std::vector<std::string> names;
  std::vector<float> alphas;
  std::vector<float> betas;
  for (const v1::Activation* function : recurrence.functions) {
    const activations::ActivationKind& kind = *activations::Find(*function);
    if (kind.onnx_step.name == nullptr) {
      return absl::UnimplementedError(
          absl::StrCat("ONNX's ", recurrence.op, " has no function ", activations::Word(kind)));
    }
    names.emplace_back(kind.onnx_step.name);
    if (kind.onnx_step.alpha.has_value()) alphas.push_back(*kind.onnx_step.alpha);
    if (kind.onnx_step.beta.has_value()) betas.push_back(*kind.onnx_step.beta);
  }
  std::vector<onnx::Attribute> attributes = recurrence.settings;
  attributes.push_back({"hidden_size", recurrence.units});
  attributes.push_back({"direction", std::string(recurrence.backwards ? "reverse" : "forward")});
  attributes.push_back({"activations", std::move(names)});
  if (!alphas.empty()) attributes.push_back({"activation_alpha", std::move(alphas)});
  if (!betas.empty()) attributes.push_back({"activation_beta", std::move(betas)});
  return attributes;
}

onnx::Value StepsAndRowsSwapped(const onnx::Value& x, onnx::ModelWriter& model) {
  return model.Node("Transpose", {x}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
}

}  // namespace

absl::StatusOr<onnx::Value> WriteRecurrence(const OnnxUse& use, const OnnxRecurrence& recurrence,
                                            onnx::ModelWriter& model) {
  ASSIGN_OR_RETURN(const std::vector<onnx::Attribute> attributes, AttributesOf(recurrence));
  std::vector<onnx::Value> inputs = {StepsAndRowsSwapped(use.inputs[0], model),
                                     model.Constant(GatesFirst(use.weights[0], recurrence)),
                                     model.Constant(GatesFirst(use.weights[1], recurrence))};
  if (use.weights.size() > 2)
    inputs.push_back(model.Constant(BothBiases(use.weights[2], recurrence)));
  if (!recurrence.sequences) {
    const onnx::Value last = model.Node(recurrence.op, std::move(inputs), attributes, 1);
    return model.Node("Squeeze", {last, model.Integers("direction_axis", {0})});
  }
  const onnx::Value all = model.Node(recurrence.op, std::move(inputs), attributes);
  const onnx::Value steps = model.Node("Squeeze", {all, model.Integers("direction_axis", {1})});
  const onnx::Value rows = StepsAndRowsSwapped(steps, model);
  // ONNX leaves each output at the step that it belongs to.
  return recurrence.backwards ? StepsReversed(rows, use.shapes[0][0], model) : rows;
}

onnx::Value StepsReversed(const onnx::Value& x, int64_t steps, onnx::ModelWriter& model) {
  return model.Node("Slice", {x, model.Integers("last_step", {-1}),
                              model.Integers("before_first_step", {-steps - 1}),
                              model.Integers("step_axis", {1}), model.Integers("stride", {-1})});
}

}  // namespace gradus::layers
