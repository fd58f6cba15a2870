// SPDX-License-Identifier: Apache-2.0
// Each output with its loss, its weight and its metrics.
#include "engine/graph/goals.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/edit_distance.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/training/losses/kind.h"
#include "engine/training/metrics/kind.h"

namespace gradus::graph {
namespace {

using Metrics = google::protobuf::RepeatedPtrField<v1::Metric>;

absl::Status Error(absl::string_view path, absl::string_view message) {
  return base::FieldError(absl::StatusCode::kInvalidArgument, path, message);
}

// Fills in what loss and metrics leave out. `path` is what comes before "loss": "outputs[1].".
absl::StatusOr<metrics::Scored> CheckOne(const Graph& graph, size_t output, const std::string& path,
                                         v1::Loss& loss, Metrics& metrics) {
  RETURN_IF_ERROR(base::InField(losses::Check(loss), path + "loss"));
  const losses::LossKind& kind = *losses::Find(loss);
  const absl::StatusOr<losses::Target> target = kind.target(loss, graph.output_shape(output));
  RETURN_IF_ERROR(base::InField(target.status(), absl::StrCat(path, "loss.", losses::Word(kind))));
  const metrics::Scored scored{&kind, *target, graph.output_values(output)};
  RETURN_IF_ERROR(base::InField(metrics::Check(metrics, scored), path + "metrics"));
  return scored;
}

std::vector<std::string> OutputNames(const Graph& graph) {
  return {graph.spec().outputs().begin(), graph.spec().outputs().end()};
}

// An entry for each output, in their order.
absl::Status FillInOutputs(const Graph& graph, v1::JobSpec& spec) {
  const std::vector<std::string> names = OutputNames(graph);
  std::vector<const v1::OutputTraining*> given(names.size(), nullptr);
  for (int i = 0; i < spec.outputs_size(); ++i) {
    const std::string path = absl::StrCat("outputs[", i, "].name");
    const std::string& name = spec.outputs(i).name();
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      return base::InvalidArgument(
          path, base::Shown(name),
          absl::StrCat("the name of an output", base::DidYouMean(name, names)));
    }
    const v1::OutputTraining*& entry = given[static_cast<size_t>(found - names.begin())];
    if (entry != nullptr) return Error(path, absl::StrCat(name, " is there twice"));
    entry = &spec.outputs(i);
  }
  google::protobuf::RepeatedPtrField<v1::OutputTraining> filled;
  for (size_t i = 0; i < names.size(); ++i) {
    v1::OutputTraining& output = *filled.Add();
    if (given[i] != nullptr) output = *given[i];
    output.set_name(names[i]);
    if (!output.has_loss()) *output.mutable_loss() = spec.loss();
    if (output.metrics().empty()) *output.mutable_metrics() = spec.metrics();
    if (!output.has_loss_weight()) output.set_loss_weight(1);
  }
  *spec.mutable_outputs() = std::move(filled);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Goal>> CheckGoals(const Graph& graph, v1::JobSpec& spec) {
  if (!graph.names_outputs()) {
    if (spec.outputs_size() > 0) {
      return Error("outputs",
                   "the model names no outputs; say loss and metrics for its last layer");
    }
    RETURN_IF_ERROR(CheckOne(graph, 0, "", *spec.mutable_loss(), *spec.mutable_metrics()).status());
  } else {
    RETURN_IF_ERROR(FillInOutputs(graph, spec));
    for (int i = 0; i < spec.outputs_size(); ++i) {
      v1::OutputTraining& output = *spec.mutable_outputs(i);
      const std::string path = absl::StrCat("outputs[", i, "].");
      RETURN_IF_ERROR(CheckOne(graph, static_cast<size_t>(i), path, *output.mutable_loss(),
                               *output.mutable_metrics())
                          .status());
      const double weight = output.loss_weight();
      if (!std::isfinite(static_cast<float>(weight)) || weight < 0) {
        return base::InvalidArgument(path + "loss_weight", absl::StrCat(weight),
                                     "a finite number, 0 or more");
      }
    }
  }
  const std::vector<v1::Metric> metrics(spec.metrics().begin(), spec.metrics().end());
  const std::vector<v1::OutputTraining> outputs(spec.outputs().begin(), spec.outputs().end());
  return GoalsOf(graph, spec.loss(), metrics, outputs);
}

absl::StatusOr<std::vector<Goal>> GoalsOf(const Graph& graph, const v1::Loss& loss,
                                          std::span<const v1::Metric> metrics,
                                          std::span<const v1::OutputTraining> outputs) {
  std::vector<Goal> goals;
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    Goal goal;
    const std::string name =
        graph.names_outputs() ? graph.spec().outputs(static_cast<int>(i)) : std::string();
    if (graph.outputs().size() > 1) goal.name = name;
    if (outputs.empty()) {
      goal.loss = loss;
      goal.metrics.assign(metrics.begin(), metrics.end());
    } else {
      const auto found = std::ranges::find(outputs, name, &v1::OutputTraining::name);
      if (found == outputs.end())
        return absl::InvalidArgumentError(absl::StrCat("output ", name, " has no loss"));
      goal.loss = found->loss();
      goal.weight = found->loss_weight();
      goal.metrics.assign(found->metrics().begin(), found->metrics().end());
    }
    const losses::LossKind* kind = losses::Find(goal.loss);
    if (kind == nullptr) return absl::InvalidArgumentError("a loss is required");
    ASSIGN_OR_RETURN(const losses::Target target, kind->target(goal.loss, graph.output_shape(i)));
    goal.scored = {.loss = kind, .target = target, .width = graph.output_values(i)};
    goals.push_back(std::move(goal));
  }
  return goals;
}

metrics::MetricSet MetricsOf(std::span<const Goal> goals) {
  std::vector<metrics::OutputMetrics> outputs;
  for (const Goal& goal : goals)
    outputs.push_back({.output = goal.name, .specs = goal.metrics, .scored = goal.scored});
  return metrics::MetricSet(std::move(outputs));
}

}  // namespace gradus::graph
