// SPDX-License-Identifier: Apache-2.0
#include "engine/graph/start_plan.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/graph/graft.h"

namespace gradus::graph {
namespace {

std::string Shape(const std::vector<int64_t>& shape) {
  return absl::StrCat("(", absl::StrJoin(shape, ", "), ")");
}

// Of a layer whose `from` is `source`.
absl::StatusOr<v1::TensorStart> PlanTensor(const Parameter& parameter, const LayerSource& source,
                                           const PublishedTensors& tensors, bool allow_mismatch) {
  v1::TensorStart start;
  start.set_tensor(parameter.name);
  const std::string there =
      absl::StrCat(source.layer, parameter.name.substr(parameter.name.find('/')));
  start.set_from(absl::StrCat(source.ref, "/", there));
  const auto found = tensors.find(there);
  if (found != tensors.end() && found->second == parameter.shape) {
    start.set_start(v1::TensorStart::LOADED);
    return start;
  }
  start.set_start(v1::TensorStart::MISMATCHED);
  start.set_reason(found == tensors.end()
                       ? absl::StrCat(source.ref, " has no ", base::Shown(there))
                       : absl::StrCat("it has shape ", Shape(parameter.shape), " here and ",
                                      Shape(found->second), " in ", source.ref));
  if (allow_mismatch) return start;
  return absl::InvalidArgumentError(absl::StrCat(parameter.name, " cannot start from ",
                                                 base::Shown(start.from()), ": ", start.reason(),
                                                 "; model.allow_mismatch: true starts it anew"));
}

}  // namespace

PublishedTensors TensorsOf(const Graph& graph) {
  PublishedTensors tensors;
  for (const Parameter& parameter : graph.parameters()) tensors[parameter.name] = parameter.shape;
  return tensors;
}

std::set<std::string> TensorsTaken(const Graph& graph) {
  std::set<std::string> taken;
  for (const Parameter& parameter : graph.parameters()) {
    const Node& node = graph.nodes()[static_cast<size_t>(parameter.layer)];
    if (!node.spec.from().empty())
      taken.insert(node.spec.from() + parameter.name.substr(parameter.name.find('/')));
  }
  return taken;
}

absl::StatusOr<std::vector<v1::TensorStart>> PlanStart(
    const Graph& graph, const std::map<std::string, PublishedTensors>& models) {
  std::vector<v1::TensorStart> plan;
  std::set<std::string> taken;
  for (const Parameter& parameter : graph.parameters()) {
    const Node& node = graph.nodes()[static_cast<size_t>(parameter.layer)];
    if (node.spec.from().empty()) {
      v1::TensorStart& start = plan.emplace_back();
      start.set_tensor(parameter.name);
      start.set_start(v1::TensorStart::INITIALIZED);
      continue;
    }
    const std::string path = absl::StrCat("layers[", parameter.layer, "].from");
    const absl::StatusOr<LayerSource> source = ParseLayerSource(node.spec.from());
    RETURN_IF_ERROR(base::InField(source.status(), path));
    const auto model = models.find(source->ref);
    if (model == models.end()) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat("there is no model ", base::Shown(source->ref)));
    }
    absl::StatusOr<v1::TensorStart> start =
        PlanTensor(parameter, *source, model->second, graph.spec().allow_mismatch());
    RETURN_IF_ERROR(base::InField(start.status(), path));
    taken.insert(start->from());
    plan.push_back(*std::move(start));
  }
  for (const auto& [ref, tensors] : models) {
    for (const auto& [name, shape] : tensors) {
      const std::string from = absl::StrCat(ref, "/", name);
      if (taken.contains(from)) continue;
      v1::TensorStart& start = plan.emplace_back();
      start.set_tensor(name);
      start.set_start(v1::TensorStart::SKIPPED);
      start.set_from(from);
      start.set_reason("no layer takes it");
    }
  }
  return plan;
}

}  // namespace gradus::graph
