// SPDX-License-Identifier: Apache-2.0
#include "engine/graph/transfer_search.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/stages.h"
#include "engine/training/callbacks/monitor.h"

namespace gradus::graph {
namespace {

// Each is a whole training run.
constexpr size_t kMostTrials = 1000;

absl::Status Error(absl::string_view path, absl::string_view message) {
  return base::FieldError(absl::StatusCode::kInvalidArgument, path, message);
}

// Layers with weights that start from a published model, lowest first.
std::vector<int> ReusableLayers(const Graph& graph) {
  std::vector<int> layers;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (node.owner == static_cast<int>(i) && node.parameters > 0 && !node.spec.from().empty())
      layers.push_back(static_cast<int>(i));
  }
  return layers;
}

absl::Status CheckDepths(const google::protobuf::RepeatedField<int32_t>& depths, int most,
                         const std::string& path) {
  for (int i = 0; i < depths.size(); ++i) {
    if (depths[i] < 0 || depths[i] > most) {
      return base::InvalidArgument(
          absl::StrCat(path, "[", i, "]"), absl::StrCat(depths[i]),
          absl::StrCat("a number from 0 to ", most, ", the layers that start from a base"));
    }
  }
  return absl::OkStatus();
}

// What people look at first comes first: a metric of the validation rows rather than their loss.
std::vector<std::string> ByInterest(std::span<const std::string> figures) {
  std::vector<std::string> names(figures.begin(), figures.end());
  if (names.size() > 1 && absl::StartsWith(names[1], "val_")) std::swap(names[0], names[1]);
  return names;
}

}  // namespace

absl::Status CheckTransferSearch(v1::JobSpec& spec, const Graph& graph,
                                 std::span<const std::string> figures, int cores) {
  v1::TransferSearch& search = *spec.mutable_transfer_search();
  const int layers = static_cast<int>(ReusableLayers(graph).size());
  if (layers == 0)
    return Error("model",
                 "a search for what to reuse needs a base: no layer with weights has a `from`");
  if (!spec.data().has_validation())
    return Error("data.validation", "validation rows are required: they say which trial is best");
  if (spec.fit().stages().empty() && spec.fit().epochs() == 0)
    return Error("fit.epochs", "0 epochs leave nothing to compare");
  if (search.reuse().empty()) {
    for (int depth = 0; depth <= layers; ++depth) search.add_reuse(depth);
  }
  RETURN_IF_ERROR(CheckDepths(search.reuse(), layers, "transfer_search.reuse"));
  RETURN_IF_ERROR(CheckDepths(search.freeze(), layers, "transfer_search.freeze"));
  v1::MonitorMode mode = search.mode();
  const std::vector<std::string> names = ByInterest(figures);
  RETURN_IF_ERROR(base::InField(callbacks::CheckMonitor(names, search.mutable_monitor(), &mode),
                                "transfer_search"));
  search.set_mode(mode);
  if (!search.has_parallel()) search.set_parallel(cores);
  if (search.parallel() < 1 || search.parallel() > cores) {
    return base::InvalidArgument("transfer_search.parallel", absl::StrCat(search.parallel()),
                                 absl::StrCat("a number from 1 to ", cores, ", resources.cores"));
  }
  ASSIGN_OR_RETURN(const std::vector<TransferTrial> trials, TransferTrials(spec, graph));
  if (trials.empty() || trials.size() > kMostTrials) {
    return base::InvalidArgument("transfer_search", absl::StrCat(trials.size(), " trials"),
                                 absl::StrCat("a search of 1 to ", kMostTrials, " trials"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TransferTrial>> TransferTrials(const v1::JobSpec& spec,
                                                          const Graph& graph) {
  const v1::TransferSearch& search = spec.transfer_search();
  std::set<int> depths(search.reuse().begin(), search.reuse().end());
  depths.insert(0);
  std::vector<TransferTrial> trials;
  for (const int reuse : depths) {
    std::set<int> frozen(search.freeze().begin(), search.freeze().end());
    if (frozen.empty()) frozen = {0, reuse};
    if (reuse == 0) frozen = {0};
    for (const int freeze : frozen) {
      if (freeze > reuse) break;
      const TransferTrial trial{reuse, freeze};
      ASSIGN_OR_RETURN(const std::vector<StagePlan> stages,
                       PlanStages(graph, spec.optimizer(), SpecOfTrial(spec, graph, trial).fit()));
      const bool trains = std::ranges::all_of(
          stages, [](const StagePlan& stage) { return stage.trainable_params > 0; });
      if (trains) trials.push_back(trial);
    }
  }
  return trials;
}

v1::JobSpec SpecOfTrial(const v1::JobSpec& spec, const Graph& graph, const TransferTrial& trial) {
  v1::JobSpec job = spec;
  job.set_kind(v1::JobSpec::TRAIN);
  job.clear_transfer_search();
  job.clear_publish();
  job.mutable_resources()->set_cores(1);
  v1::Fit& fit = *job.mutable_fit();
  fit.mutable_checkpoint()->set_every_seconds(0);
  fit.mutable_checkpoint()->set_every_steps(0);
  fit.mutable_checkpoint()->set_keep_best(0);
  fit.mutable_checkpoint()->clear_monitor();
  fit.mutable_checkpoint()->clear_mode();
  if (fit.stages().empty()) {
    fit.add_stages()->set_epochs(fit.epochs());
    fit.clear_epochs();
  }
  for (v1::Stage& stage : *fit.mutable_stages()) {
    stage.clear_freeze();
    stage.clear_unfreeze();
  }
  const std::vector<int> layers = ReusableLayers(graph);
  for (size_t i = 0; i < layers.size(); ++i) {
    const int depth = static_cast<int>(i);
    v1::Layer& layer = *job.mutable_model()->mutable_layers(layers[i]);
    if (depth >= trial.reuse) layer.clear_from();
    if (depth >= trial.freeze) continue;
    fit.mutable_stages(0)->add_freeze(layer.name());
    if (fit.stages_size() > 1) fit.mutable_stages(1)->add_unfreeze(layer.name());
  }
  return job;
}

}  // namespace gradus::graph
