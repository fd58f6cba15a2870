// SPDX-License-Identifier: Apache-2.0
// Carries settings from stage to stage.
#include "engine/graph/stages.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/graph/layer_selection.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::graph {
namespace {

using Selectors = google::protobuf::RepeatedPtrField<std::string>;

// Layers with weights of their own, in the order of the model: those from published models where
// there are such.
std::vector<int> LayersToCount(const Graph& graph) {
  std::vector<int> all;
  std::vector<int> from_bases;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (node.owner != static_cast<int>(i) || node.parameters == 0) continue;
    all.push_back(static_cast<int>(i));
    if (!node.spec.from().empty()) from_bases.push_back(static_cast<int>(i));
  }
  return from_bases.empty() ? all : from_bases;
}

// The last N of them for top:N.
absl::StatusOr<std::vector<int>> Top(const Graph& graph, absl::string_view count,
                                     absl::string_view path) {
  std::vector<int> layers = LayersToCount(graph);
  int64_t wanted = 0;
  if (!absl::SimpleAtoi(count, &wanted) || wanted < 1 ||
      wanted > static_cast<int64_t>(layers.size())) {
    return base::InvalidArgument(
        path, absl::StrCat("\"top:", base::Shown(count), "\""),
        absl::StrCat("top:N with N from 1 to ", layers.size(), ", the layers that have weights",
                     graph.nodes()[static_cast<size_t>(layers[0])].spec.from().empty()
                         ? ""
                         : " from a base"));
  }
  layers.erase(layers.begin(), layers.end() - wanted);
  return layers;
}

absl::StatusOr<std::vector<int>> Select(const Graph& graph, const Selectors& selectors,
                                        absl::string_view path) {
  std::vector<int> selected;
  const std::vector<std::string> names = graph.layer_names();
  for (int i = 0; i < selectors.size(); ++i) {
    const std::string at = absl::StrCat(path, "[", i, "]");
    absl::string_view count = selectors[i];
    ASSIGN_OR_RETURN(const std::vector<int> layers, absl::ConsumePrefix(&count, "top:")
                                                        ? Top(graph, count, at)
                                                        : SelectLayersOf(names, selectors[i], at));
    selected.insert(selected.end(), layers.begin(), layers.end());
  }
  return selected;
}

absl::Status SetTrainable(const Graph& graph, const Selectors& selectors, absl::string_view path,
                          bool train, std::vector<bool>& trainable) {
  ASSIGN_OR_RETURN(const std::vector<int> layers, Select(graph, selectors, path));
  for (const int layer : layers) trainable[static_cast<size_t>(layer)] = train;
  return absl::OkStatus();
}

std::vector<double> OwnFactors(const Graph& graph) {
  std::vector<double> factors;
  for (const Node& node : graph.nodes())
    factors.push_back(node.spec.has_learning_rate_factor() ? node.spec.learning_rate_factor() : 1);
  return factors;
}

absl::Status SetFactors(const Graph& graph, const v1::Stage& spec, absl::string_view path,
                        StagePlan& stage) {
  if (!spec.rates().empty()) stage.rate_factors = OwnFactors(graph);
  const double rate_of_stage = optimizers::LearningRateOf(stage.optimizer);
  for (int i = 0; i < spec.rates_size(); ++i) {
    const v1::LayerRate& rate = spec.rates(i);
    const std::string at = absl::StrCat(path, ".rates[", i, "]");
    if (rate.has_learning_rate() && rate.learning_rate() > 0 && rate_of_stage == 0) {
      return base::InvalidArgument(at + ".learning_rate", absl::StrCat(rate.learning_rate()),
                                   "0, since the stage's own learning rate is 0");
    }
    double factor = rate.factor();
    if (rate.has_learning_rate())
      factor = rate.learning_rate() == 0 ? 0 : rate.learning_rate() / rate_of_stage;
    ASSIGN_OR_RETURN(const std::vector<int> layers, Select(graph, rate.layers(), at + ".layers"));
    for (const int layer : layers) stage.rate_factors[static_cast<size_t>(layer)] = factor;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<StagePlan>> PlanStages(const Graph& graph,
                                                  const v1::Optimizer& optimizer,
                                                  const v1::Fit& fit) {
  std::vector<StagePlan> stages;
  StagePlan stage{.optimizer = optimizer, .keeps_slots = false};
  stage.trainable = graph.trainable();
  stage.rate_factors = OwnFactors(graph);
  if (fit.stages_size() == 0) {
    stage.end_epoch = fit.has_epochs() ? fit.epochs() : 1;
    stage.trainable_params = graph.trainable_params(stage.trainable);
    stages.push_back(std::move(stage));
    return stages;
  }
  for (int i = 0; i < fit.stages_size(); ++i) {
    const v1::Stage& spec = fit.stages(i);
    const std::string path = absl::StrCat("stages[", i, "]");
    stage.first_epoch = stage.end_epoch;
    stage.end_epoch += spec.epochs();
    stage.keeps_slots = i > 0 && !spec.has_optimizer() && !spec.reset_optimizer();
    if (spec.has_optimizer()) stage.optimizer = spec.optimizer();
    if (spec.has_learning_rate())
      optimizers::ReplaceLearningRate(stage.optimizer, spec.learning_rate());
    RETURN_IF_ERROR(SetTrainable(graph, spec.freeze(), path + ".freeze", false, stage.trainable));
    RETURN_IF_ERROR(
        SetTrainable(graph, spec.unfreeze(), path + ".unfreeze", true, stage.trainable));
    stage.trainable_params = graph.trainable_params(stage.trainable);
    RETURN_IF_ERROR(SetFactors(graph, spec, path, stage));
    stage.callbacks.assign(spec.callbacks().begin(), spec.callbacks().end());
    stages.push_back(stage);
  }
  return stages;
}

std::vector<std::string> TrainedLayers(const Graph& graph, const std::vector<bool>& trainable) {
  std::vector<std::string> names;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    std::vector<bool> alone(trainable.size());
    alone[i] = trainable[i];
    if (graph.trainable_params(alone) > 0) names.push_back(graph.nodes()[i].name);
  }
  return names;
}

int64_t EpochsOfOptimizer(const std::vector<StagePlan>& stages, size_t stage) {
  size_t first = stage;
  while (first > 0 && stages[first].keeps_slots) --first;
  size_t last = stage;
  while (last + 1 < stages.size() && stages[last + 1].keeps_slots) ++last;
  return stages[last].end_epoch - stages[first].first_epoch;
}

}  // namespace gradus::graph
