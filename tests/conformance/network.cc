// SPDX-License-Identifier: Apache-2.0
// Walks a graph's nodes row by row.
#include "tests/conformance/network.h"

#include <algorithm>
#include <cmath>

#include "engine/layers/kind.h"
#include "engine/training/losses/kind.h"
#include "engine/training/metrics/kind.h"
#include "tests/conformance/draws.h"

namespace gradus::conformance {
namespace {

// Coordinates of a weight: the operations' own tests take more.
constexpr size_t kMost = 24;

std::vector<double> InputRow(const Rows& rows, int64_t row) {
  return Doubles(RowOf(std::span<const float>(rows.inputs), static_cast<size_t>(row),
                       rows.inputs.size() / static_cast<size_t>(rows.rows)));
}

}  // namespace

Rows DrawRows(const graph::Graph& graph, const v1::Loss& loss, int64_t rows, uint32_t stream) {
  const losses::LossKind& kind = *losses::Find(loss);
  return {
      DrawNormal(static_cast<size_t>(rows * graph.input_values()), stream),
      DrawTargets(kind.target(loss, graph.output_shape()).value(), kind.scoring, rows, stream + 1),
      rows};
}

std::vector<plan::NamedTensor> DrawWeights(const graph::Graph& graph) {
  std::vector<plan::NamedTensor> weights;
  uint32_t stream = 50;
  for (const graph::Parameter& parameter : graph.parameters()) {
    const double fan_in = static_cast<double>(std::max<int64_t>(1, parameter.fan_in));
    weights.push_back({parameter.name, parameter.shape,
                       DrawNormal(static_cast<size_t>(parameter.count), stream++,
                                  static_cast<float>(1 / std::sqrt(fan_in)))});
  }
  return weights;
}

Network::Network(const graph::Graph& graph, const v1::Loss& loss,
                 std::span<const plan::NamedTensor> weights)
    : graph_(graph), loss_(loss) {
  for (const plan::NamedTensor& weight : weights) weights_.push_back(Doubles(weight.values));
}

std::vector<double> Network::Output(std::span<const double> row) const {
  const std::vector<double> input(row.begin(), row.end());
  const layers::Shape input_shape(graph_.input_shape().begin(), graph_.input_shape().end());
  std::vector<std::vector<double>> outputs;
  for (const graph::Node& node : graph_.nodes()) {
    std::vector<std::vector<double>> values;
    std::vector<layers::Shape> shapes;
    for (const int from : node.inputs) {
      const bool first = from == graph::kModelInput;
      values.push_back(first ? input : outputs[static_cast<size_t>(from)]);
      shapes.push_back(first ? input_shape
                             : graph_.nodes()[static_cast<size_t>(from)].output_shape);
    }
    const std::span<const std::vector<double>> all = weights_;
    outputs.push_back(node.kind->reference(node.spec, shapes, values,
                                           all.subspan(static_cast<size_t>(node.first_parameter),
                                                       static_cast<size_t>(node.parameters))));
  }
  return outputs.back();
}

double Network::LossOf(const Rows& rows, int64_t row) const {
  const losses::LossKind& kind = *losses::Find(loss_);
  return kind.reference(kind.from_logits(loss_), Output(InputRow(rows, row)),
                        rows.targets.Row(row));
}

StepReference Network::Step(const Rows& rows, std::span<const v1::Metric> metrics) {
  StepReference step;
  step.metrics.resize(metrics.size());
  const losses::LossKind& kind = *losses::Find(loss_);
  for (int64_t row = 0; row < rows.rows; ++row) {
    step.loss += LossOf(rows, row);
    for (size_t i = 0; i < metrics.size(); ++i) {
      step.metrics[i] += metrics::Find(metrics[i])
                             ->reference(kind.scoring, kind.from_logits(loss_),
                                         Output(InputRow(rows, row)), rows.targets.Row(row));
    }
  }
  uint32_t stream = 2000;
  for (std::vector<double>& weight : weights_) {
    step.gradients.push_back(GradientOf(
        [&] {
          double sum = 0;
          for (int64_t row = 0; row < rows.rows; ++row) sum += LossOf(rows, row);
          return sum / static_cast<double>(rows.rows);
        },
        weight, kMost, stream++));
  }
  return step;
}

}  // namespace gradus::conformance
