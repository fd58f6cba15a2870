// SPDX-License-Identifier: Apache-2.0
// Walks a graph's nodes; each operator says itself with layers.
#include "engine/graph/onnx_import/import.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/model_reader.h"
#include "engine/graph/graph.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/operators.h"
#include "engine/graph/onnx_import/patterns.h"

namespace gradus::onnx_import {
namespace {

// Each value of a file may become so many of weights, for nodes that share it; and what a model may
// have besides.
constexpr int64_t kMostUses = 3;
constexpr int64_t kMostBesides = 1 << 20;

int64_t MostValues(const onnx::ModelGraph& graph) {
  int64_t values = 0;
  for (const auto& [name, constant] : graph.constants)
    values += static_cast<int64_t>(constant.size());
  return kMostUses * values + kMostBesides;
}

// Leaves out what no output needs.
void KeepNeeded(onnx::ModelGraph& graph) {
  std::set<std::string> needed(graph.outputs.begin(), graph.outputs.end());
  std::vector<onnx::Node> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (std::ranges::none_of(node->outputs,
                             [&](const std::string& output) { return needed.contains(output); }))
      continue;
    needed.insert(node->inputs.begin(), node->inputs.end());
    kept.push_back(std::move(*node));
  }
  std::ranges::reverse(kept);
  graph.nodes = std::move(kept);
}

// Values with channels behind the batch: what operators give that have them there, what is fed to
// these, and what keeps the order of such values.
class ChannelsFirstValues {
 public:
  explicit ChannelsFirstValues(const onnx::ModelGraph& graph) {
    for (const onnx::GraphInput& input : graph.inputs)
      if (input.shape.size() > 2 && input.batch == 0 && IsFed(graph, input.name))
        names_.insert(input.name);
    for (const onnx::Node& node : graph.nodes)
      if (OrderOf(node) == AxisOrder::kChannelsFirst || Keeps(node, names_))
        names_.insert(node.outputs.begin(), node.outputs.end());
  }

  bool contains(const std::string& name) const { return names_.contains(name); }

 private:
  static AxisOrder OrderOf(const onnx::Node& node) {
    const Operator* op = Find(node.op);
    return op == nullptr ? AxisOrder::kCounted : op->order;
  }

  static bool Keeps(const onnx::Node& node, const std::set<std::string>& names) {
    const auto is_one = [&](const std::string& value) {
      return !value.empty() && names.contains(value);
    };
    return OrderOf(node) == AxisOrder::kKept && std::ranges::any_of(node.inputs, is_one);
  }

  // As it is, but for functions of each element.
  static bool IsFed(const onnx::ModelGraph& graph, const std::string& input) {
    std::set<std::string> same = {input};
    for (const onnx::Node& node : graph.nodes) {
      if (OrderOf(node) == AxisOrder::kChannelsFirst && !node.inputs.empty() &&
          same.contains(node.inputs[0]))
        return true;
      if (Keeps(node, same)) same.insert(node.outputs.begin(), node.outputs.end());
    }
    return false;
  }

  std::set<std::string> names_;
};

class Importing {
 public:
  explicit Importing(onnx::ModelGraph graph)
      : graph_(std::move(graph)),
        channels_first_(graph_),
        values_(graph_),
        network_(MostValues(graph_)) {}

  absl::StatusOr<ImportedModel> Run() {
    for (size_t i = 0; i < graph_.inputs.size(); ++i)
      RETURN_IF_ERROR(base::InField(AddInput(i), absl::StrCat("graph.input[", i, "]")));
    for (const onnx::Node& node : graph_.nodes) {
      NodeUse use(node, graph_.opset, batch_, values_, network_);
      RETURN_IF_ERROR(AtNode(Import(use), node));
    }
    std::vector<int> outputs;
    for (size_t i = 0; i < graph_.outputs.size(); ++i) {
      absl::StatusOr<int> layer = AddOutput(graph_.outputs[i], outputs);
      RETURN_IF_ERROR(base::InField(layer.status(), absl::StrCat("graph.output[", i, "]")));
      outputs.push_back(*layer);
    }
    ASSIGN_OR_RETURN(Network::Finished finished, network_.Finish(outputs));
    result_.spec = std::move(finished.spec);
    RETURN_IF_ERROR(TakeWeights(finished));
    return std::move(result_);
  }

 private:
  static absl::Status AtNode(const absl::Status& status, const onnx::Node& node) {
    if (status.ok()) return status;
    return base::FieldError(status.code(), absl::StrCat("graph.node[", node.position, "]"),
                            absl::StrCat(base::Shown(node.op), " \"", base::Shown(node.name),
                                         "\": ", status.message()));
  }

  absl::Status AddInput(size_t i) {
    const onnx::GraphInput& input = graph_.inputs[i];
    std::vector<size_t> axes;
    for (size_t axis = 0; axis < input.shape.size(); ++axis)
      if (axis != input.batch) axes.push_back(axis);
    if (channels_first_.contains(input.name))
      std::rotate(axes.begin(), axes.begin() + 1, axes.end());
    Shape shape;
    for (const size_t axis : axes) shape.push_back(input.shape[axis]);
    // A row has one axis at least.
    if (shape.empty()) shape.push_back(1);
    std::string name = base::IsName(input.name) ? input.name : absl::StrCat("input_", i);
    while (!names_.insert(name).second) name.append("_");
    ASSIGN_OR_RETURN(const int source, network_.AddInput(name, std::move(shape)));
    Rows rows = ViewOf(source, axes);
    rows.whole = input.whole;
    values_.Give(input.name, std::move(rows));
    batch_ = std::max(batch_, input.shape[input.batch]);
    axes.insert(axes.begin(), input.batch);
    result_.inputs.push_back({input.name, std::move(axes)});
    return absl::OkStatus();
  }

  // The layer that gives it, which gives no output yet.
  absl::StatusOr<int> AddOutput(const std::string& name, const std::vector<int>& before) {
    const Value* value = values_.Find(name);
    const Rows* rows = value == nullptr ? nullptr : std::get_if<Rows>(value);
    if (rows == nullptr)
      return NodeUse::Unknown(absl::StrCat("\"", base::Shown(name),
                                           "\" is a constant, or an output "
                                           "that is not imported"));
    if (rows->flipped != 0)
      return NodeUse::Unknown(absl::StrCat("an axis of \"", base::Shown(name),
                                           "\" is turned round, as behind a layer that goes "
                                           "backwards"));
    std::vector<size_t> axes = OutputAxesOf(name, *rows);
    ASSIGN_OR_RETURN(int source, Arranged(network_, *rows, axes));
    if (graph::IsModelInput(source) || std::ranges::count(before, source) > 0) {
      v1::Layer layer;
      layer.mutable_activation()->mutable_linear();
      ASSIGN_OR_RETURN(source, network_.Add(std::move(layer), {source}));
    }
    axes.insert(axes.begin(), BatchAxisOf(*rows));
    result_.outputs.push_back({name, std::move(axes)});
    return source;
  }

  // Channels last where the layer has them so, else ONNX's order.
  std::vector<size_t> OutputAxesOf(const std::string& name, const Rows& rows) const {
    std::vector<size_t> axes = RowAxesOf(rows);
    std::vector<size_t> channels_last = axes;
    if (!axes.empty())
      std::rotate(channels_last.begin(), channels_last.begin() + 1, channels_last.end());
    const bool same_axes = std::ranges::count(rows.axes, kUnit) == 0 &&
                           network_.shape_of(rows.source).size() == axes.size();
    const bool last = channels_first_.contains(name) && same_axes && rows.axes[0] == 0 &&
                      OwnOrderOf(rows) == channels_last;
    return last ? channels_last : axes;
  }

  absl::Status TakeWeights(Network::Finished& finished) {
    ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(result_.spec));
    for (const graph::Parameter& parameter : graph.parameters()) {
      const auto found = finished.weights.find(parameter.name);
      if (found == finished.weights.end() ||
          static_cast<int64_t>(found->second.size()) != parameter.count)
        return absl::InternalError(absl::StrCat("there are no values of ", parameter.name));
      result_.weights.push_back(std::move(found->second));
    }
    return absl::OkStatus();
  }

  onnx::ModelGraph graph_;
  const ChannelsFirstValues channels_first_;
  Values values_;
  Network network_;
  // Of the model's inputs.
  std::set<std::string> names_;
  int64_t batch_ = 0;
  ImportedModel result_;
};

}  // namespace

absl::StatusOr<ImportedModel> ImportOnnx(std::span<const std::byte> file) {
  ASSIGN_OR_RETURN(onnx::ModelGraph graph, onnx::ReadModel(file));
  FindPatterns(graph);
  KeepNeeded(graph);
  return Importing(std::move(graph)).Run();
}

}  // namespace gradus::onnx_import
