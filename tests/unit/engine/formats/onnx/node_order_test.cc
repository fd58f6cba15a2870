// SPDX-License-Identifier: Apache-2.0
// Nodes are sorted, and graphs that have no order refused.
#include "engine/formats/onnx/node_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::onnx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A graph from x to y.
ModelGraph GraphOf(std::vector<Node> nodes) {
  ModelGraph graph;
  graph.inputs.push_back({.name = "x", .shape = {1}});
  graph.outputs = {"y"};
  for (Node& node : nodes) {
    node.position = static_cast<int64_t>(graph.nodes.size());
    graph.nodes.push_back(std::move(node));
  }
  return graph;
}

Node Step(std::vector<std::string> inputs, std::vector<std::string> outputs) {
  return {.op = "Sum", .inputs = std::move(inputs), .outputs = std::move(outputs)};
}

std::vector<int64_t> Positions(const ModelGraph& graph) {
  std::vector<int64_t> positions;
  for (const Node& node : graph.nodes) positions.push_back(node.position);
  return positions;
}

std::string ErrorOf(ModelGraph graph) {
  const absl::Status status = SortNodes(graph);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(NodeOrder, LeavesWhatIsInOrder) {
  ModelGraph graph = GraphOf({Step({"x"}, {"a"}), Step({"x"}, {"b"}), Step({"a", "b"}, {"y"})});
  ASSERT_TRUE(SortNodes(graph).ok());
  EXPECT_THAT(Positions(graph), ElementsAre(0, 1, 2));
}

TEST(NodeOrder, PutsMakersBeforeUsers) {
  ModelGraph graph =
      GraphOf({Step({"b", "b", "a"}, {"y"}), Step({"a"}, {"b"}), Step({"x"}, {"a"})});
  ASSERT_TRUE(SortNodes(graph).ok());
  EXPECT_THAT(Positions(graph), ElementsAre(2, 1, 0));
}

TEST(NodeOrder, LetsInputsAndOutputsBeLeftOut) {
  ModelGraph graph = GraphOf({Step({"x", ""}, {"", "y"}), Step({"x"}, {"", ""})});
  EXPECT_TRUE(SortNodes(graph).ok());
}

TEST(NodeOrder, RefusesCircles) {
  EXPECT_THAT(ErrorOf(GraphOf({Step({"x", "b"}, {"a"}), Step({"a"}, {"b"}), Step({"a"}, {"y"})})),
              HasSubstr("in a circle"));
  EXPECT_THAT(ErrorOf(GraphOf({Step({"y"}, {"y"})})), HasSubstr("in a circle"));
}

TEST(NodeOrder, RefusesValuesThatNobodyMakes) {
  EXPECT_THAT(ErrorOf(GraphOf({Step({"x", "z"}, {"y"})})),
              HasSubstr("graph.node[0]: \"z\" is not an input, an initializer or the output"));
  EXPECT_THAT(ErrorOf(GraphOf({Step({"x"}, {"a"})})), HasSubstr("graph.output: \"y\""));
}

TEST(NodeOrder, RefusesValuesThatAreMadeTwice) {
  EXPECT_THAT(ErrorOf(GraphOf({Step({"x"}, {"y"}), Step({"x"}, {"y"})})),
              HasSubstr("graph.node[1]: \"y\" is made twice"));
  EXPECT_THAT(ErrorOf(GraphOf({Step({"x"}, {"x"})})), HasSubstr("\"x\" is made twice"));
}

}  // namespace
}  // namespace gradus::onnx
