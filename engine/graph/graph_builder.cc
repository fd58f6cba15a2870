// SPDX-License-Identifier: Apache-2.0
// From a ModelSpec to a Graph, layer after layer.
#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "engine/base/checked.h"
#include "engine/base/edit_distance.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/graph/graph.h"
#include "engine/layers/kind.h"
#include "engine/training/constraints/kind.h"
#include "engine/training/initializers/kind.h"
#include "engine/training/regularizers/kind.h"

namespace gradus::graph {

constexpr int64_t kMostExtent = int64_t{1} << 24;
constexpr int kMostRank = 6;
constexpr char kInputName[] = "input";
// Inputs or outputs of a model.
constexpr int kMostEnds = 64;

// Builds one graph; used once.
class GraphBuilder {
 public:
  GraphBuilder(const v1::ModelSpec& spec, const Limits& limits) : limits_(limits) {
    graph_.spec_ = spec;
  }

  absl::StatusOr<Graph> Build() {
    if (graph_.spec_.base_size() > 0) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, "base",
                              "the layers of a base are put in where jobs are submitted alone");
    }
    RETURN_IF_ERROR(AddInputs());
    RETURN_IF_ERROR(NameLayers());
    for (int i = 0; i < graph_.spec_.layers_size(); ++i) {
      RETURN_IF_ERROR(base::InField(AddLayer(i), absl::StrCat("layers[", i, "]")));
    }
    RETURN_IF_ERROR(FindOutputs());
    RETURN_IF_ERROR(CheckAllUsed());
    return std::move(graph_);
  }

 private:
  absl::Status AddInputs() {
    const v1::ModelSpec& spec = graph_.spec_;
    if (spec.inputs_size() == 0) {
      RETURN_IF_ERROR(AddInput(kInputName, spec.input_shape(), "input_shape"));
    } else if (spec.input_shape_size() > 0) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, "input_shape",
                              "a model has either an input_shape or inputs");
    }
    if (spec.inputs_size() > kMostEnds) {
      return base::InvalidArgument("inputs", absl::StrCat(spec.inputs_size()),
                                   absl::StrCat("at most ", kMostEnds, " inputs"));
    }
    for (int i = 0; i < spec.inputs_size(); ++i) {
      const std::string path = absl::StrCat("inputs[", i, "]");
      RETURN_IF_ERROR(base::CheckName(path + ".name", spec.inputs(i).name()));
      if (FindInput(spec.inputs(i).name()) != nullptr) {
        return base::FieldError(
            absl::StatusCode::kInvalidArgument, path + ".name",
            absl::StrCat(spec.inputs(i).name(), " is the name of another input already"));
      }
      RETURN_IF_ERROR(AddInput(spec.inputs(i).name(), spec.inputs(i).shape(), path + ".shape"));
    }
    const int layers = graph_.spec_.layers_size();
    if (layers < 1 || layers > limits_.max_layers) {
      return base::InvalidArgument(
          "layers", absl::StrCat(layers),
          absl::StrCat("a number of layers from 1 to ", limits_.max_layers));
    }
    return absl::OkStatus();
  }

  absl::Status AddInput(const std::string& name,
                        const google::protobuf::RepeatedField<int64_t>& shape,
                        const std::string& path) {
    if (shape.empty() || shape.size() > kMostRank) {
      return base::InvalidArgument(path, absl::StrCat(shape.size(), " entries"),
                                   absl::StrCat("a shape of 1 to ", kMostRank, " entries"));
    }
    for (int i = 0; i < shape.size(); ++i) {
      if (shape[i] < 1 || shape[i] > kMostExtent) {
        return base::InvalidArgument(absl::StrCat(path, "[", i, "]"), absl::StrCat(shape[i]),
                                     absl::StrCat("a number from 1 to ", kMostExtent));
      }
    }
    ModelInput input{.name = name, .shape = {shape.begin(), shape.end()}};
    ASSIGN_OR_RETURN(input.values, RowValues(input.shape, path));
    // Of at most 64 such numbers the sum is in range.
    graph_.input_values_ += input.values;
    graph_.inputs_.push_back(std::move(input));
    return absl::OkStatus();
  }

  const ModelInput* FindInput(absl::string_view name) const {
    const auto found = std::ranges::find(graph_.inputs_, name, &ModelInput::name);
    return found == graph_.inputs_.end() ? nullptr : &*found;
  }

  std::string QuotedInputs() const {
    return absl::StrJoin(graph_.inputs_, ", ", [](std::string* out, const ModelInput& input) {
      absl::StrAppend(out, "\"", input.name, "\"");
    });
  }

  absl::StatusOr<int64_t> RowValues(std::span<const int64_t> shape, absl::string_view path) const {
    int64_t values = 1;
    for (const int64_t extent : shape) {
      if (__builtin_mul_overflow(values, extent, &values) || values > limits_.max_row_values) {
        return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                                absl::StrCat("(", absl::StrJoin(shape, ", "), ") has more than ",
                                             limits_.max_row_values, " values"));
      }
    }
    return values;
  }

  // Given names are checked first, so that generated ones can keep out of their way.
  absl::Status NameLayers() {
    for (int i = 0; i < graph_.spec_.layers_size(); ++i) {
      const std::string& name = graph_.spec_.layers(i).name();
      if (name.empty()) continue;
      const std::string path = absl::StrCat("layers[", i, "].name");
      RETURN_IF_ERROR(base::CheckName(path, name));
      if (FindInput(name) != nullptr)
        return base::InvalidArgument(path, name, "a name for a layer: it means the model's input");
      if (!index_.emplace(name, i).second) {
        return base::FieldError(
            absl::StatusCode::kInvalidArgument, path,
            absl::StrCat(name, " is the name of layers[", index_[name], "] already"));
      }
    }
    return absl::OkStatus();
  }

  // "dense", then "dense_1", ...
  std::string GenerateName(const layers::LayerKind& kind, int i) {
    const std::string word = layers::Word(kind);
    int& next = next_number_[word];
    while (true) {
      const std::string name = next == 0 ? word : absl::StrCat(word, "_", next);
      ++next;
      if (FindInput(name) == nullptr && index_.emplace(name, i).second) return name;
    }
  }

  absl::Status AddLayer(int i) {
    v1::Layer& given = *graph_.spec_.mutable_layers(i);
    Node node;
    node.owner = i;
    node.spec = given;
    if (!given.shares().empty()) RETURN_IF_ERROR(TakeOver(i, given, node));
    const layers::LayerKind* kind = layers::Find(node.spec);
    if (kind == nullptr) {
      const std::string words = absl::StrJoin(
          layers::Table(), ", ", [](std::string* out, const layers::LayerKind* member) {
            out->append(layers::Word(*member));
          });
      return absl::InvalidArgumentError(absl::StrCat("no kind of layer is given; one of ", words));
    }
    if (given.name().empty()) given.set_name(GenerateName(*kind, i));
    node.name = given.name();
    node.kind = kind;
    ASSIGN_OR_RETURN(node.inputs, ResolveInputs(i, *kind, given));
    const std::vector<layers::Shape> shapes = graph_.ShapesOf(node.inputs);
    if (node.owner == i) {
      if (!given.has_trainable()) given.set_trainable(true);
      RETURN_IF_ERROR(CheckCommon(given));
      RETURN_IF_ERROR(base::InField(kind->check(given), layers::Word(*kind)));
      node.spec = given;
    }
    node.trainable = node.spec.trainable();
    absl::StatusOr<layers::Shape> shape = kind->infer(node.spec, shapes);
    RETURN_IF_ERROR(base::InField(shape.status(), layers::Word(*kind)));
    node.output_shape = *std::move(shape);
    RETURN_IF_ERROR(RowValues(node.output_shape, layers::Word(*kind)).status());
    std::vector<layers::Weight> weights = kind->weights(node.spec, shapes);
    RETURN_IF_ERROR(base::InField(node.owner == i ? AddWeights(i, std::move(weights), node)
                                                  : CheckSharedWeights(weights, node),
                                  layers::Word(*kind)));
    RETURN_IF_ERROR(base::InField(CheckAdapts(node), layers::Word(*kind)));
    graph_.nodes_.push_back(std::move(node));
    return absl::OkStatus();
  }

  // A layer can adapt to rows as they are stored alone.
  absl::Status CheckAdapts(const Node& node) const {
    // One that shares another's weights takes them as they are.
    const bool owner = node.owner == static_cast<int>(graph_.nodes_.size());
    if (!owner || node.kind->adapts == nullptr || !node.kind->adapts(node.spec))
      return absl::OkStatus();
    for (int at = node.inputs[0]; !IsModelInput(at);) {
      const Node& before = graph_.nodes_[static_cast<size_t>(at)];
      if (!graph_.is_view(at)) {
        return absl::InvalidArgumentError(
            absl::StrCat("it adapts to the model's input, but reads ", before.name,
                         "; before it may be flatten and reshape alone"));
      }
      at = before.inputs[0];
    }
    return absl::OkStatus();
  }

  // Settings that layers of all kinds have.
  static absl::Status CheckCommon(v1::Layer& given) {
    const double factor = given.has_learning_rate_factor() ? given.learning_rate_factor() : 1;
    if (!(factor >= 0 && factor <= kMostRateFactor)) {
      return base::InvalidArgument("learning_rate_factor", absl::StrCat(factor),
                                   absl::StrCat("a number from 0 to ", kMostRateFactor));
    }
    if (!given.has_activity_regularizer()) return absl::OkStatus();
    return base::InField(regularizers::Check(*given.mutable_activity_regularizer()),
                         "activity_regularizer");
  }

  // The kind and the settings of an earlier layer; `given` may say nothing beside its name and its
  // inputs.
  absl::Status TakeOver(int i, const v1::Layer& given, Node& node) {
    const auto found = index_.find(given.shares());
    if (found == index_.end() || found->second >= i) {
      return base::InvalidArgument(
          "shares", base::Shown(given.shares()),
          absl::StrCat("the name of an earlier layer",
                       base::DidYouMean(given.shares(), graph_.layer_names())));
    }
    if (given.kind_case() != v1::Layer::KIND_NOT_SET || given.has_trainable() ||
        given.has_learning_rate_factor() || given.has_activity_regularizer() ||
        !given.from().empty()) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, "shares",
                              "a layer that shares another's weights has that one's kind and "
                              "settings; it takes none of its own");
    }
    node.owner = graph_.nodes_[static_cast<size_t>(found->second)].owner;
    node.spec = graph_.nodes_[static_cast<size_t>(node.owner)].spec;
    return absl::OkStatus();
  }

  absl::Status CheckSharedWeights(const std::vector<layers::Weight>& weights, Node& node) const {
    const Node& owner = graph_.nodes_[static_cast<size_t>(node.owner)];
    node.first_parameter = owner.first_parameter;
    node.parameters = owner.parameters;
    const std::span<const Parameter> shared = graph_.parameters_of(node.owner);
    for (size_t i = 0; i < shared.size(); ++i) {
      if (shared[i].shape != weights[i].shape) {
        return absl::InvalidArgumentError(
            absl::StrCat("on this input ", weights[i].name, " would have the shape (",
                         absl::StrJoin(weights[i].shape, ", "), "), but ", shared[i].name,
                         ", which it shares, has (", absl::StrJoin(shared[i].shape, ", "), ")"));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<int>> ResolveInputs(int i, const layers::LayerKind& kind,
                                                 v1::Layer& spec) {
    if (spec.inputs().empty() && i == 0 && graph_.inputs_.size() > 1) {
      return base::FieldError(
          absl::StatusCode::kInvalidArgument, "inputs",
          absl::StrCat("the first layer must say which of the model's inputs it takes: ",
                       QuotedInputs()));
    }
    if (spec.inputs().empty())
      spec.add_inputs(i == 0 ? graph_.inputs_[0].name : graph_.nodes_.back().name);
    if (spec.inputs_size() < kind.min_inputs || spec.inputs_size() > kind.max_inputs) {
      const std::string allowed = kind.min_inputs == kind.max_inputs
                                      ? absl::StrCat(kind.min_inputs)
                                      : absl::StrCat(kind.min_inputs, " to ", kind.max_inputs);
      return base::InvalidArgument(
          "inputs", absl::StrCat(spec.inputs_size()),
          absl::StrCat("the number of inputs of a ", layers::Word(kind), " layer: ", allowed));
    }
    std::vector<int> inputs;
    for (int j = 0; j < spec.inputs_size(); ++j) {
      const std::string& name = spec.inputs(j);
      if (const ModelInput* input = FindInput(name); input != nullptr) {
        inputs.push_back(IndexOfInput(static_cast<size_t>(input - graph_.inputs_.data())));
        continue;
      }
      const auto found = index_.find(name);
      if (found == index_.end() || found->second >= i) {
        std::vector<std::string> known = graph_.layer_names();
        for (const ModelInput& input : graph_.inputs_) known.push_back(input.name);
        return base::InvalidArgument(absl::StrCat("inputs[", j, "]"), base::Shown(name),
                                     absl::StrCat("the name of an earlier layer, nor ",
                                                  QuotedInputs(), base::DidYouMean(name, known)));
      }
      inputs.push_back(found->second);
    }
    return inputs;
  }

  absl::Status AddWeights(int i, std::vector<layers::Weight> weights, Node& node) {
    node.first_parameter = static_cast<int>(graph_.parameters_.size());
    node.parameters = static_cast<int>(weights.size());
    for (layers::Weight& weight : weights) {
      // Fields are called after their weight: kernel, depthwise for depthwise_kernel, bias.
      const absl::string_view field = absl::StripSuffix(weight.name, "_kernel");
      const std::string initializer = weight.initializer_field.empty()
                                          ? absl::StrCat(field, "_initializer")
                                          : weight.initializer_field;
      RETURN_IF_ERROR(base::InField(initializers::Check(weight.initializer), initializer));
      RETURN_IF_ERROR(base::InField(regularizers::Check(weight.regularizer),
                                    absl::StrCat(field, "_regularizer")));
      RETURN_IF_ERROR(
          base::InField(constraints::Check(weight.constraint), absl::StrCat(field, "_constraint")));
      int64_t count = 1;
      bool fits = true;
      for (const int64_t extent : weight.shape)
        fits = fits && !__builtin_mul_overflow(count, extent, &count);
      fits = fits && !__builtin_add_overflow(graph_.total_params_, count, &graph_.total_params_);
      if (!fits || graph_.total_params_ > limits_.max_params) {
        return absl::InvalidArgumentError(
            absl::StrCat("with a ", weight.name, " of shape (", absl::StrJoin(weight.shape, ", "),
                         ") the model has more than ", limits_.max_params, " weights"));
      }
      RETURN_IF_ERROR(
          base::InField(initializers::CheckShape(weight.initializer, weight.shape), initializer));
      graph_.parameters_.push_back(
          {absl::StrCat(graph_.spec_.layers(i).name(), "/", weight.name), i, weight.shape, count,
           weight.initializer, weight.fan_in, weight.fan_out, weight.statistic, weight.momentum,
           weight.fixed, weight.ones_from, weight.ones_to, weight.regularizer, weight.constraint});
    }
    return absl::OkStatus();
  }

  absl::Status FindOutputs() {
    const v1::ModelSpec& spec = graph_.spec_;
    if (spec.outputs_size() > kMostEnds) {
      return base::InvalidArgument("outputs", absl::StrCat(spec.outputs_size()),
                                   absl::StrCat("at most ", kMostEnds, " outputs"));
    }
    for (int i = 0; i < spec.outputs_size(); ++i) {
      const std::string path = absl::StrCat("outputs[", i, "]");
      const auto found = index_.find(spec.outputs(i));
      if (found == index_.end()) {
        return base::InvalidArgument(
            path, base::Shown(spec.outputs(i)),
            absl::StrCat("the name of a layer",
                         base::DidYouMean(spec.outputs(i), graph_.layer_names())));
      }
      if (graph_.is_output(found->second)) {
        return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                                absl::StrCat(spec.outputs(i), " is there twice"));
      }
      graph_.outputs_.push_back(found->second);
    }
    if (graph_.outputs_.empty())
      graph_.outputs_.push_back(static_cast<int>(graph_.nodes_.size()) - 1);
    return absl::OkStatus();
  }

  // A layer that leads nowhere is a mistake: it would be stored and never trained.
  absl::Status CheckAllUsed() const {
    std::set<int> used = {graph_.outputs_.begin(), graph_.outputs_.end()};
    for (const Node& node : graph_.nodes_) used.insert(node.inputs.begin(), node.inputs.end());
    for (size_t i = 0; i < graph_.nodes_.size(); ++i) {
      if (!used.contains(static_cast<int>(i))) {
        return base::FieldError(
            absl::StatusCode::kInvalidArgument, absl::StrCat("layers[", i, "]"),
            absl::StrCat(graph_.nodes_[i].name, " leads to no other layer, and is not ",
                         graph_.names_outputs() ? "an output" : "the last one"));
      }
    }
    for (size_t i = 0; i < graph_.inputs_.size(); ++i) {
      if (!used.contains(IndexOfInput(i))) {
        return base::FieldError(absl::StatusCode::kInvalidArgument, absl::StrCat("inputs[", i, "]"),
                                absl::StrCat("no layer takes ", graph_.inputs_[i].name));
      }
    }
    return absl::OkStatus();
  }

  const Limits limits_;
  Graph graph_;
  // Layer names given or generated so far.
  std::map<std::string, int, std::less<>> index_;
  std::map<std::string, int, std::less<>> next_number_;
};

absl::StatusOr<Graph> Graph::Create(const v1::ModelSpec& spec, const Limits& limits) {
  return GraphBuilder(spec, limits).Build();
}

}  // namespace gradus::graph
