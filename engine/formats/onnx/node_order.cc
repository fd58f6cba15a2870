// SPDX-License-Identifier: Apache-2.0
// Kahn's algorithm, the first node that is ready first.
#include "engine/formats/onnx/node_order.h"

#include <functional>
#include <queue>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::onnx {
namespace {

// Values that no node makes.
constexpr int kGiven = -1;

class Sorting {
 public:
  explicit Sorting(ModelGraph& graph)
      : graph_(graph), users_(graph.nodes.size()), missing_(graph.nodes.size(), 0) {}

  absl::Status FindMakers() {
    for (const GraphInput& input : graph_.inputs)
      RETURN_IF_ERROR(Make(input.name, kGiven, "graph.input"));
    for (const auto& [name, constant] : graph_.constants)
      RETURN_IF_ERROR(Make(name, kGiven, "graph.initializer"));
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const std::string& output : graph_.nodes[i].outputs)
        if (!output.empty())
          RETURN_IF_ERROR(Make(output, static_cast<int>(i), PathOf(graph_.nodes[i])));
    }
    return absl::OkStatus();
  }

  absl::Status FindUsers() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const std::string& input : graph_.nodes[i].inputs) {
        if (input.empty()) continue;
        const auto maker = makers_.find(input);
        if (maker == makers_.end()) return NeverMade(PathOf(graph_.nodes[i]), input);
        if (maker->second == kGiven) continue;
        users_[static_cast<size_t>(maker->second)].push_back(i);
        ++missing_[i];
      }
    }
    for (const std::string& output : graph_.outputs)
      if (!makers_.contains(output)) return NeverMade("graph.output", output);
    return absl::OkStatus();
  }

  absl::Status Sort() {
    std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
    for (size_t i = 0; i < missing_.size(); ++i)
      if (missing_[i] == 0) ready.push(i);
    std::vector<Node> sorted;
    sorted.reserve(graph_.nodes.size());
    while (!ready.empty()) {
      const size_t next = ready.top();
      ready.pop();
      for (const size_t user : users_[next])
        if (--missing_[user] == 0) ready.push(user);
      sorted.push_back(std::move(graph_.nodes[next]));
    }
    if (sorted.size() < graph_.nodes.size())
      return absl::InvalidArgumentError("graph.node: nodes need each other's outputs in a circle");
    graph_.nodes = std::move(sorted);
    return absl::OkStatus();
  }

 private:
  static std::string PathOf(const Node& node) {
    return absl::StrCat("graph.node[", node.position, "]");
  }

  static absl::Status NeverMade(const std::string& path, const std::string& value) {
    return base::InvalidArgument(path, absl::StrCat("\"", base::Shown(value), "\""),
                                 "an input, an initializer or the output of a node");
  }

  absl::Status Make(const std::string& value, int maker, const std::string& path) {
    if (makers_.emplace(value, maker).second) return absl::OkStatus();
    return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                            absl::StrCat("\"", base::Shown(value), "\" is made twice"));
  }

  ModelGraph& graph_;
  std::map<std::string, int> makers_;
  // Of each node: those that take its outputs, once for each time; and how many inputs are not
  // there yet.
  std::vector<std::vector<size_t>> users_;
  std::vector<size_t> missing_;
};

}  // namespace

absl::Status SortNodes(ModelGraph& graph) {
  Sorting sorting(graph);
  RETURN_IF_ERROR(sorting.FindMakers());
  RETURN_IF_ERROR(sorting.FindUsers());
  return sorting.Sort();
}

}  // namespace gradus::onnx
