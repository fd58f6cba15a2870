// SPDX-License-Identifier: Apache-2.0
// Walks a graph's nodes, shard by shard where the rows of a batch depend on each other.
#include "tests/conformance/network.h"

#include <algorithm>
#include <cmath>

#include "engine/layers/kind.h"
#include "engine/training/losses/kind.h"
#include "engine/training/metrics/kind.h"
#include "tests/conformance/agreement.h"
#include "tests/conformance/draws.h"
#include "tests/conformance/last_activation.h"

namespace gradus::conformance {
namespace {

// Coordinates of a weight: the operations' own tests take more.
constexpr size_t kMost = 24;
// What rounding may do to outputs is tried so often, by so much.
constexpr uint32_t kShakes = 2;
constexpr float kShake = 3e-6F;

}  // namespace

Rows DrawRows(const graph::Graph& graph, const v1::Loss& loss, int64_t rows, uint32_t stream,
              int64_t whole_below) {
  const losses::LossKind& kind = *losses::Find(loss);
  const auto count = static_cast<size_t>(rows * graph.input_values());
  return {
      whole_below > 0 ? DrawWhole(count, stream, whole_below) : DrawNormal(count, stream),
      DrawTargets(kind.target(loss, graph.output_shape()).value(), kind.scoring, rows, stream + 1),
      rows};
}

std::vector<plan::NamedTensor> DrawWeights(const graph::Graph& graph) {
  std::vector<plan::NamedTensor> weights;
  uint32_t stream = 50;
  for (const graph::Parameter& parameter : graph.parameters()) {
    weights.push_back({parameter.name, parameter.shape,
                       DrawWeight(static_cast<size_t>(parameter.count), parameter.fan_in,
                                  parameter.statistic, stream++)});
  }
  return weights;
}

Network::Network(const graph::Graph& graph, const v1::Loss& loss,
                 std::span<const plan::NamedTensor> weights)
    : graph_(graph), loss_(loss) {
  for (const plan::NamedTensor& weight : weights) weights_.push_back(Doubles(weight.values));
}

std::vector<double> Network::NodeOutputs(const graph::Node& node, int64_t rows,
                                         std::span<const std::vector<double>> inputs, double share,
                                         const StepMode& mode,
                                         std::vector<std::vector<double>>* statistics) const {
  const std::vector<layers::Shape> shapes =
      graph_.input_shapes_of(static_cast<int>(&node - graph_.nodes().data()));
  const std::span<const std::vector<double>> weights = std::span(weights_).subspan(
      static_cast<size_t>(node.first_parameter), static_cast<size_t>(node.parameters));
  const bool trains = mode.trains.empty() || mode.trains[static_cast<size_t>(node.owner)];
  if (mode.training && trains && node.kind->batch_reference != nullptr) {
    std::vector<std::vector<double>> said;
    std::vector<double> outputs =
        node.kind->batch_reference(node.spec, shapes, rows, inputs, weights, &said);
    size_t next = 0;
    for (int i = node.first_parameter; i < node.first_parameter + node.parameters; ++i) {
      const auto at = static_cast<size_t>(i);
      if (!graph_.parameters()[at].statistic) continue;
      (*statistics)[at].resize(said[next].size());
      for (size_t k = 0; k < said[next].size(); ++k) (*statistics)[at][k] += share * said[next][k];
      ++next;
    }
    return outputs;
  }
  std::vector<double> outputs;
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<std::vector<double>> values;
    for (const std::vector<double>& input : inputs) {
      const std::span<const double> part =
          RowOf(std::span<const double>(input), static_cast<size_t>(row),
                input.size() / static_cast<size_t>(rows));
      values.emplace_back(part.begin(), part.end());
    }
    const std::vector<double> output = node.kind->reference(node.spec, shapes, values, weights);
    outputs.insert(outputs.end(), output.begin(), output.end());
  }
  return outputs;
}

std::vector<double> Network::ShardOutputs(std::span<const double> inputs, int64_t rows,
                                          double share, const StepMode& mode,
                                          std::vector<std::vector<double>>* statistics) const {
  std::vector<int> uses(graph_.nodes().size(), 0);
  for (const graph::Node& node : graph_.nodes()) ++uses[static_cast<size_t>(node.owner)];
  std::vector<std::vector<double>> outputs;
  for (const graph::Node& node : graph_.nodes()) {
    std::vector<std::vector<double>> values;
    for (const int from : node.inputs) {
      values.push_back(graph::IsModelInput(from) ? std::vector<double>(inputs.begin(), inputs.end())
                                                 : outputs[static_cast<size_t>(from)]);
    }
    outputs.push_back(NodeOutputs(node, rows, values, share / uses[static_cast<size_t>(node.owner)],
                                  mode, statistics));
  }
  return outputs.back();
}

std::vector<double> Network::OutputsOf(const Rows& rows, const StepMode& mode,
                                       std::vector<std::vector<double>>* statistics) const {
  statistics->assign(weights_.size(), {});
  const std::vector<double> inputs = Doubles(rows.inputs);
  const auto width = static_cast<size_t>(graph_.input_values());
  std::vector<double> outputs;
  for (int shard = 0; shard < mode.shards; ++shard) {
    const int64_t first = rows.rows * shard / mode.shards;
    const int64_t count = rows.rows * (shard + 1) / mode.shards - first;
    if (count == 0) continue;
    const std::vector<double> part = ShardOutputs(
        std::span(inputs).subspan(static_cast<size_t>(first) * width,
                                  static_cast<size_t>(count) * width),
        count, static_cast<double>(count) / static_cast<double>(rows.rows), mode, statistics);
    outputs.insert(outputs.end(), part.begin(), part.end());
  }
  return outputs;
}

std::vector<double> Network::Outputs(const Rows& rows) const {
  std::vector<std::vector<double>> statistics;
  return OutputsOf(rows, {.training = false}, &statistics);
}

double Network::LossOf(const Rows& rows, const StepMode& mode) const {
  const losses::LossKind& kind = *losses::Find(loss_);
  std::vector<std::vector<double>> statistics;
  const std::vector<double> outputs = OutputsOf(rows, mode, &statistics);
  const size_t width = outputs.size() / static_cast<size_t>(rows.rows);
  double sum = 0;
  for (int64_t row = 0; row < rows.rows; ++row) {
    sum += kind.reference(loss_, kind.from_logits(loss_),
                          RowOf(std::span<const double>(outputs), static_cast<size_t>(row), width),
                          rows.targets.Row(row));
  }
  return sum;
}

std::vector<std::optional<double>> Network::FiguresOf(const Rows& rows, const v1::Metric& metric,
                                                      std::span<const double> outputs) const {
  const losses::LossKind& kind = *losses::Find(loss_);
  const size_t width = outputs.size() / static_cast<size_t>(rows.rows);
  const metrics::Scored scored{
      .loss = &kind, .target = rows.targets.form, .width = static_cast<int64_t>(width)};
  std::vector<std::optional<double>> figures;
  for (uint32_t shake = 0; shake <= kShakes; ++shake) {
    const std::vector<float> noise = DrawNormal(outputs.size(), 3000 + shake, kShake);
    std::vector<double> shaken(outputs.begin(), outputs.end());
    for (size_t i = 0; i < shaken.size() && shake > 0; ++i)
      shaken[i] *= 1 + static_cast<double>(noise[i]);
    metrics::ReferenceRows reference;
    for (int64_t row = 0; row < rows.rows; ++row) {
      const auto output = RowOf(std::span<const double>(shaken), static_cast<size_t>(row), width);
      reference.scores.emplace_back(output.begin(), output.end());
      reference.predictions.push_back(kind.from_logits(loss_) ? Activated(output, kind.scoring)
                                                              : reference.scores.back());
      reference.targets.push_back(rows.targets.Row(row));
    }
    const std::vector<double> values = metrics::Find(metric)->reference(metric, scored, reference);
    if (shake == 0) figures.assign(values.begin(), values.end());
    for (size_t i = 0; i < figures.size(); ++i) {
      if (figures[i].has_value() &&
          !Agrees(values[i], *figures[i], kTolerance * std::abs(*figures[i]) + kNothing))
        figures[i] = std::nullopt;
    }
  }
  return figures;
}

StepReference Network::Step(const Rows& rows, std::span<const v1::Metric> metrics,
                            const StepMode& mode) {
  StepReference step;
  const std::vector<double> outputs = OutputsOf(rows, mode, &step.statistics);
  step.loss = LossOf(rows, mode);
  for (const v1::Metric& metric : metrics) step.figures.push_back(FiguresOf(rows, metric, outputs));
  uint32_t stream = 2000;
  for (size_t i = 0; i < weights_.size() && mode.training; ++i) {
    const bool gathered = graph_.parameters()[i].statistic;
    step.gradients.push_back(
        gathered ? Gradient()
                 : GradientOf([&] { return LossOf(rows, mode) / static_cast<double>(rows.rows); },
                              weights_[i], kMost, stream++));
  }
  return step;
}

}  // namespace gradus::conformance
