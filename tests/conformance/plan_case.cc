// SPDX-License-Identifier: Apache-2.0
// Puts samples of different families together.
#include "tests/conformance/plan_case.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "engine/training/losses/kind.h"
#include "engine/training/metrics/kind.h"
#include "engine/training/optimizers/kind.h"
#include "tests/conformance/draws.h"
#include "tests/conformance/network.h"

namespace gradus::conformance {
namespace {

constexpr int64_t kProbes = 32;
// Of those that fit a sample.
constexpr size_t kLosses = 4;

// The samples in a row, on the first one's input; nothing where one does not fit the one before it.
std::optional<graph::Graph> GraphOf(const std::vector<layers::Sample>& samples) {
  v1::ModelSpec spec;
  const layers::Shape& shape = samples[0].inputs[0];
  // The model has one input.
  if (!std::ranges::all_of(samples[0].inputs, [&](const auto& other) { return other == shape; }))
    return std::nullopt;
  spec.mutable_input_shape()->Assign(shape.begin(), shape.end());
  for (const layers::Sample& sample : samples) *spec.add_layers() = sample.spec;
  for (size_t i = 0; i < samples[0].inputs.size(); ++i) spec.mutable_layers(0)->add_inputs("input");
  absl::StatusOr<graph::Graph> graph = graph::Graph::Create(spec);
  return graph.ok() ? std::optional(*std::move(graph)) : std::nullopt;
}

// A layer on the model's input, used once more, and a merge of the two outputs.
std::optional<graph::Graph> SharedGraphOf(const layers::Sample& sample) {
  const std::optional<graph::Graph> alone = GraphOf({sample});
  if (!alone.has_value()) return std::nullopt;
  const layers::Shape shape(alone->output_shape().begin(), alone->output_shape().end());
  for (const layers::LayerKind* merge : layers::Table()) {
    if (merge->min_inputs != 2) continue;
    for (const layers::Sample& joined : merge->samples()) {
      v1::ModelSpec spec;
      *spec.mutable_input_shape() = alone->spec().input_shape();
      v1::Layer& first = *spec.add_layers();
      first = alone->spec().layers(0);
      v1::Layer& second = *spec.add_layers();
      second.set_name("again");
      second.set_shares(first.name());
      *second.mutable_inputs() = first.inputs();
      v1::Layer& last = *spec.add_layers();
      last = joined.spec;
      last.add_inputs(first.name());
      last.add_inputs(second.name());
      absl::StatusOr<graph::Graph> graph = graph::Graph::Create(spec);
      if (graph.ok()) return *std::move(graph);
    }
  }
  return std::nullopt;
}

// Whether the loss takes what the network gives: some take probabilities, some what is above 0.
bool Fits(const graph::Graph& graph, const v1::Loss& loss, int64_t whole_below) {
  const losses::LossKind& kind = *losses::Find(loss);
  if (!kind.target(loss, graph.output_shape()).ok()) return false;
  const bool any = kind.fuses == v1::Activation::KIND_NOT_SET && !kind.positive;
  if (kind.from_logits(loss) || any) return true;
  const std::vector<plan::NamedTensor> weights = DrawWeights(graph);
  const Network network(graph, loss, weights);
  // Far from where logarithms are cut off.
  return std::ranges::none_of(
      network.Outputs(DrawRows(graph, loss, kProbes, 1, whole_below)),
      [&](double p) { return p < 1e-3 || (!kind.positive && p > 1 - 1e-3); });
}

std::vector<v1::Loss> LossesFor(const graph::Graph& graph, int64_t whole_below) {
  std::vector<v1::Loss> fitting;
  for (const losses::LossKind* kind : losses::Table()) {
    for (v1::Loss loss : kind->samples()) {
      if (losses::Check(loss).ok() && Fits(graph, loss, whole_below)) fitting.push_back(loss);
    }
  }
  return fitting;
}

std::vector<v1::Optimizer> Optimizers() {
  std::vector<v1::Optimizer> all;
  for (const optimizers::OptimizerKind* kind : optimizers::Table()) {
    for (v1::Optimizer optimizer : kind->samples()) {
      if (optimizers::Check(optimizer).ok()) all.push_back(optimizer);
    }
  }
  return all;
}

std::vector<v1::Metric> MetricsFor(const graph::Graph& graph, const v1::Loss& loss) {
  const losses::LossKind& kind = *losses::Find(loss);
  const metrics::Scored scored{.loss = &kind,
                               .target = *kind.target(loss, graph.output_shape()),
                               .width = graph.output_values()};
  std::vector<v1::Metric> fitting;
  for (const metrics::MetricKind* metric : metrics::Table()) {
    v1::Metric spec = metric->samples()[0];
    if (scored.target.compared && metric->check(spec, scored).ok()) fitting.push_back(spec);
  }
  return fitting;
}

PlanCase MakeCase(const std::string& name, const graph::Graph& graph, const v1::Loss& loss,
                  const v1::Optimizer& optimizer, int64_t whole_below) {
  return {
      .name = absl::StrCat(name, ", ", loss.ShortDebugString(), ", ", optimizer.ShortDebugString()),
      .graph = graph,
      .loss = loss,
      .optimizer = optimizer,
      .metrics = MetricsFor(graph, loss),
      .random = std::ranges::any_of(
          graph.nodes(), [](const graph::Node& node) { return layers::Draws(node.spec); }),
      .whole_below = whole_below};
}

}  // namespace

plan::TrainSetup PlanCase::Setup(int64_t batch_size, int shards, int cores) const {
  return {.loss = loss,
          .optimizer = optimizer,
          .metrics = metrics,
          .batch_size = batch_size,
          .logical_shards = shards,
          .cores = cores};
}

std::vector<PlanCase> AloneCases(const layers::LayerKind& kind) {
  std::vector<PlanCase> cases;
  const std::vector<v1::Optimizer> optimizers = Optimizers();
  // Another part of the list for each kind.
  const auto offset = static_cast<size_t>(kind.field);
  int number = 0;
  for (const layers::Sample& sample : kind.samples()) {
    const std::string name = absl::StrCat(layers::Word(kind), ", sample ", number++);
    const std::optional<graph::Graph> graph = GraphOf({sample});
    if (!graph.has_value()) continue;
    const std::vector<v1::Loss> losses = LossesFor(*graph, sample.whole_below);
    // All of them with all samples would take long; each has its own tests beside this.
    for (size_t i = 0; i < std::min(kLosses, losses.size()); ++i) {
      const size_t next = (offset + kLosses * static_cast<size_t>(number) + i) % losses.size();
      cases.push_back(MakeCase(name, *graph, losses[next], optimizers[0], sample.whole_below));
    }
    const size_t other = 1 + (offset + static_cast<size_t>(number)) % (optimizers.size() - 1);
    if (!losses.empty())
      cases.push_back(MakeCase(name, *graph, losses[0], optimizers[other], sample.whole_below));
  }
  return cases;
}

std::vector<PlanCase> SharedCases(const layers::LayerKind& kind) {
  std::vector<PlanCase> cases;
  int number = 0;
  for (const layers::Sample& sample : kind.samples()) {
    const std::string name = absl::StrCat(layers::Word(kind), ", sample ", number++, ", shared");
    const std::optional<graph::Graph> graph = SharedGraphOf(sample);
    if (!graph.has_value()) continue;
    const std::vector<v1::Loss> losses = LossesFor(*graph, sample.whole_below);
    if (!losses.empty())
      cases.push_back(MakeCase(name, *graph, losses[0], Optimizers()[0], sample.whole_below));
  }
  return cases;
}

std::vector<PlanCase> BehindCases(const layers::LayerKind& kind) {
  std::vector<layers::Sample> first;
  for (const layers::LayerKind* other : layers::Table()) {
    for (const layers::Sample& sample : other->samples()) first.push_back(sample);
  }
  std::vector<PlanCase> cases;
  int number = 0;
  for (const layers::Sample& sample : kind.samples()) {
    const std::string name = absl::StrCat(layers::Word(kind), ", sample ", number++, ", behind");
    if (sample.whole_below > 0) continue;  // no layer gives whole numbers
    for (const layers::Sample& before : first) {
      const std::optional<graph::Graph> graph = GraphOf({before, sample});
      if (!graph.has_value() || graph->parameters_of(0).empty()) continue;
      const std::vector<v1::Loss> losses = LossesFor(*graph, before.whole_below);
      if (losses.empty()) continue;
      cases.push_back(MakeCase(absl::StrCat(name, " ", graph->nodes()[0].name), *graph, losses[0],
                               Optimizers()[0], before.whole_below));
      break;
    }
  }
  return cases;
}

}  // namespace gradus::conformance
