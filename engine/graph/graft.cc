// SPDX-License-Identifier: Apache-2.0
// Copies layers from one definition to another and connects what they have lost.
#include "engine/graph/graft.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/edit_distance.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/graph/layer_selection.h"

namespace gradus::graph {
namespace {

// Bases of a model.
constexpr int kMostBases = 64;

absl::Status Error(absl::string_view path, absl::string_view message) {
  return base::FieldError(absl::StatusCode::kInvalidArgument, path, message);
}

std::vector<std::string> Words(const google::protobuf::RepeatedPtrField<std::string>& list) {
  return {list.begin(), list.end()};
}

// Which of a base's layers are taken, ascending.
absl::StatusOr<std::vector<int>> Choose(const v1::Base& base, const Graph& graph) {
  const std::vector<std::string> names = graph.layer_names();
  if (base.until().empty()) {
    std::vector<std::string> selectors = Words(base.layers());
    if (selectors.empty()) selectors.emplace_back(":");
    return SelectLayers(names, selectors, "layers");
  }
  if (!base.layers().empty()) return Error("until", "cannot be given together with layers");
  const auto last = std::ranges::find(names, base.until());
  if (last == names.end()) {
    return base::InvalidArgument(
        "until", base::Shown(base.until()),
        absl::StrCat("the name of a layer", base::DidYouMean(base.until(), names)));
  }
  std::vector<int> chosen(static_cast<size_t>(last - names.begin()) + 1);
  for (size_t i = 0; i < chosen.size(); ++i) chosen[i] = static_cast<int>(i);
  return chosen;
}

// Puts the bases of one spec in; used once.
class Grafter {
 public:
  Grafter(v1::ModelSpec& spec, FindPublished find) : spec_(spec), find_(find) {}

  absl::Status Run() {
    if (spec_.base_size() > kMostBases) {
      return base::InvalidArgument("base", absl::StrCat(spec_.base_size()),
                                   absl::StrCat("at most ", kMostBases, " bases"));
    }
    bases_.Swap(spec_.mutable_base());
    own_.Swap(spec_.mutable_layers());
    for (const v1::Layer& layer : own_) {
      if (!layer.name().empty()) taken_.insert(layer.name());
    }
    RETURN_IF_ERROR(NameBases());
    for (int i = 0; i < bases_.size(); ++i)
      RETURN_IF_ERROR(base::InField(Add(bases_[i]), absl::StrCat("base[", i, "]")));
    for (v1::Layer& layer : own_) {
      for (std::string& input : *layer.mutable_inputs()) {
        const auto group = groups_.find(input);
        if (group != groups_.end() && !Exists(input)) input = group->second.back();
      }
      *spec_.add_layers() = std::move(layer);
    }
    return absl::OkStatus();
  }

  // Of each base, by its name.
  const std::map<std::string, std::vector<std::string>>& groups() const { return groups_; }

 private:
  bool IsInput(absl::string_view name) const {
    if (spec_.inputs().empty()) return name == "input";
    return std::ranges::find(spec_.inputs(), name, &v1::ModelInput::name) != spec_.inputs().end();
  }
  bool Exists(const std::string& name) const { return taken_.contains(name) || IsInput(name); }

  absl::Status NameBases() {
    std::set<std::string> names;
    for (int i = 0; i < bases_.size(); ++i) {
      std::string& name = *bases_[i].mutable_name();
      if (name.empty()) name = i == 0 ? "base" : absl::StrCat("base_", i);
      const std::string path = absl::StrCat("base[", i, "].name");
      RETURN_IF_ERROR(base::CheckName(path, name));
      if (!names.insert(name).second)
        return Error(path, absl::StrCat(name, " is the name of another base already"));
    }
    return absl::OkStatus();
  }

  absl::Status Add(const v1::Base& base) {
    if (base.model().empty()) return Error("model", "a model's reference is required");
    const absl::StatusOr<const Published*> found = find_(base.model());
    RETURN_IF_ERROR(base::InField(found.status(), "model"));
    const Graph& graph = (*found)->graph;
    ASSIGN_OR_RETURN(const std::vector<int> chosen, Choose(base, graph));
    std::map<int, std::string> names;  // here, of what the layers read
    RETURN_IF_ERROR(NameOutside(base, graph, chosen, names));
    std::vector<std::string>& group = groups_[base.name()];
    for (const int index : chosen) {
      const Node& node = graph.nodes()[static_cast<size_t>(index)];
      v1::Layer layer = graph.spec().layers(index);
      ASSIGN_OR_RETURN(*layer.mutable_name(), FreeName(base, node.name));
      layer.clear_inputs();
      for (const int input : node.inputs) layer.add_inputs(names.at(input));
      if (node.owner != index) {
        const auto owner = names.find(node.owner);
        if (owner == names.end()) {
          return Error("layers", absl::StrCat(node.name, " has the weights of ", layer.shares(),
                                              ", which is not among the layers that are taken"));
        }
        layer.set_shares(owner->second);
      } else if (node.parameters > 0) {
        layer.set_from(absl::StrCat((*found)->ref, "/", node.name));
      }
      names[index] = layer.name();
      group.push_back(layer.name());
      taken_.insert(layer.name());
      *spec_.add_layers() = std::move(layer);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> FreeName(const v1::Base& base, const std::string& name) const {
    if (!Exists(name)) return name;
    std::string other = absl::StrCat(base.name(), "_", name);
    if (!Exists(other)) return other;
    return Error("name", absl::StrCat("there are layers called ", name, " and ", other,
                                      " already: give the base another name"));
  }

  // What the chosen layers read that is not chosen, in the order in which they first read it.
  static std::vector<int> OutsideOf(const Graph& graph, const std::vector<int>& chosen) {
    std::vector<int> outside;
    for (const int index : chosen) {
      for (const int input : graph.nodes()[static_cast<size_t>(index)].inputs) {
        if (!std::ranges::binary_search(chosen, input) &&
            std::ranges::find(outside, input) == outside.end())
          outside.push_back(input);
      }
    }
    return outside;
  }

  // Says by what names the layers read here what they have read there.
  absl::Status NameOutside(const v1::Base& base, const Graph& graph, const std::vector<int>& chosen,
                           std::map<int, std::string>& names) {
    const std::vector<int> outside = OutsideOf(graph, chosen);
    std::vector<std::string> here = Words(base.inputs());
    for (size_t i = 0; i < here.size(); ++i) {
      const auto group = groups_.find(here[i]);
      if (group != groups_.end() && !Exists(here[i])) here[i] = group->second.back();
    }
    if (here.empty()) {
      const bool only_inputs = std::ranges::all_of(outside, IsModelInput);
      const bool has_inputs = !spec_.input_shape().empty() || !spec_.inputs().empty();
      if (!has_inputs && only_inputs) TakeInputs(graph);
      if (has_inputs || only_inputs) here = InputNames();
    }
    if (here.size() != outside.size()) {
      const std::string read = absl::StrJoin(outside, ", ", [&graph](std::string* out, int index) {
        absl::StrAppend(out, IsModelInput(index) ? graph.inputs()[InputOfIndex(index)].name
                                                 : graph.nodes()[static_cast<size_t>(index)].name);
      });
      return base::InvalidArgument(
          "inputs", absl::StrCat(here.size(), " of them"),
          absl::StrCat("one for each of the ", outside.size(), " that the layers read: ", read));
    }
    for (size_t i = 0; i < outside.size(); ++i) names[outside[i]] = here[i];
    return absl::OkStatus();
  }

  std::vector<std::string> InputNames() const {
    if (spec_.inputs().empty()) return {"input"};
    std::vector<std::string> names;
    for (const v1::ModelInput& input : spec_.inputs()) names.push_back(input.name());
    return names;
  }

  void TakeInputs(const Graph& graph) {
    *spec_.mutable_input_shape() = graph.spec().input_shape();
    *spec_.mutable_inputs() = graph.spec().inputs();
  }

  v1::ModelSpec& spec_;
  const FindPublished find_;
  google::protobuf::RepeatedPtrField<v1::Base> bases_;
  google::protobuf::RepeatedPtrField<v1::Layer> own_;
  // Names of layers here, given or copied.
  std::set<std::string, std::less<>> taken_;
  std::map<std::string, std::vector<std::string>> groups_;
};

void ReplaceGroups(const std::map<std::string, std::vector<std::string>>& groups,
                   const std::set<std::string>& layers,
                   google::protobuf::RepeatedPtrField<std::string>& words) {
  google::protobuf::RepeatedPtrField<std::string> replaced;
  for (std::string& word : words) {
    const auto group = groups.find(word);
    if (group == groups.end() || layers.contains(word)) {
      *replaced.Add() = std::move(word);
    } else {
      replaced.Add(group->second.begin(), group->second.end());
    }
  }
  words.Swap(&replaced);
}

absl::Status PinSources(v1::ModelSpec& spec, FindPublished find) {
  for (int i = 0; i < spec.layers_size(); ++i) {
    v1::Layer& layer = *spec.mutable_layers(i);
    if (layer.from().empty()) continue;
    const std::string path = absl::StrCat("layers[", i, "].from");
    const absl::StatusOr<LayerSource> source = ParseLayerSource(layer.from());
    RETURN_IF_ERROR(base::InField(source.status(), path));
    const absl::StatusOr<const Published*> found = find(source->ref);
    RETURN_IF_ERROR(base::InField(found.status(), path));
    layer.set_from(absl::StrCat((*found)->ref, "/", source->layer));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LayerSource> ParseLayerSource(absl::string_view from) {
  const size_t slash = from.rfind('/');
  if (slash == absl::string_view::npos || slash == 0 || slash + 1 == from.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", base::Shown(from), "\" is no MODEL@VERSION/LAYER"));
  }
  return LayerSource{std::string(from.substr(0, slash)), std::string(from.substr(slash + 1))};
}

absl::Status Graft(v1::JobSpec& spec, FindPublished find) {
  // That a model is missing is told by whoever checks the whole.
  if (!spec.has_model()) return absl::OkStatus();
  v1::ModelSpec& model = *spec.mutable_model();
  RETURN_IF_ERROR(base::InField(PinSources(model, find), "model"));
  if (model.base().empty()) return absl::OkStatus();
  Grafter grafter(model, find);
  RETURN_IF_ERROR(base::InField(grafter.Run(), "model"));
  std::set<std::string> layers;
  for (const v1::Layer& layer : model.layers()) layers.insert(layer.name());
  for (v1::Stage& stage : *spec.mutable_fit()->mutable_stages()) {
    ReplaceGroups(grafter.groups(), layers, *stage.mutable_freeze());
    ReplaceGroups(grafter.groups(), layers, *stage.mutable_unfreeze());
    for (v1::LayerRate& rate : *stage.mutable_rates())
      ReplaceGroups(grafter.groups(), layers, *rate.mutable_layers());
  }
  return absl::OkStatus();
}

}  // namespace gradus::graph
