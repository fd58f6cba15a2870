// SPDX-License-Identifier: Apache-2.0
// Functions that are written as several nodes are found; what only looks like one is not.
#include "engine/graph/onnx_import/patterns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace gradus::onnx_import {
namespace {

using ::testing::ElementsAre;

// A graph of x in the making; each node gives a value called as its place.
class Graph {
 public:
  std::string Node(const char* op, std::vector<std::string> inputs,
                   std::map<std::string, onnx::AttributeValue> attributes = {}) {
    const std::string output = std::to_string(graph_.nodes.size());
    graph_.nodes.push_back({.op = op,
                            .inputs = std::move(inputs),
                            .outputs = {output},
                            .attributes = std::move(attributes)});
    return output;
  }
  std::string Number(double value) {
    const std::string name = "number" + std::to_string(graph_.constants.size());
    graph_.constants[name] = {{}, std::vector<float>{static_cast<float>(value)}};
    return name;
  }
  std::string List(const std::string& name) {
    graph_.constants[name] = {{3}, std::vector<float>(3, 1)};
    return name;
  }
  // The last node, once patterns are found.
  const onnx::Node& Last() {
    FindPatterns(graph_);
    return graph_.nodes.back();
  }

 private:
  onnx::ModelGraph graph_;
};

// 1 + erf(x / sqrt(2)).
std::string Gate(Graph& graph, double root = std::sqrt(2.0)) {
  const std::string erf = graph.Node("Erf", {graph.Node("Div", {"x", graph.Number(root)})});
  return graph.Node("Add", {erf, graph.Number(1)});
}

TEST(Patterns, FindAGeluHoweverItsHalfIsPlaced) {
  Graph after;
  const std::string product = after.Node("Mul", {"x", Gate(after)});
  after.Node("Mul", {product, after.Number(0.5)});
  EXPECT_EQ(after.Last().op, kGeluPattern);
  EXPECT_THAT(after.Last().inputs, ElementsAre("x"));
  Graph before;
  const std::string half = before.Node("Mul", {"x", before.Number(0.5)});
  before.Node("Mul", {half, Gate(before)});
  EXPECT_EQ(before.Last().op, kGeluPattern);
}

TEST(Patterns, FindNoGeluOfAnotherWidth) {
  Graph graph;
  const std::string half = graph.Node("Mul", {"x", graph.Number(0.5)});
  graph.Node("Mul", {half, Gate(graph, 1.5)});
  EXPECT_EQ(graph.Last().op, "Mul");
}

TEST(Patterns, FindTheGeluWithAHyperbolicTangent) {
  Graph graph;
  const std::string cube =
      graph.Node("Mul", {graph.Node("Pow", {"x", graph.Number(3)}), graph.Number(0.044715)});
  const std::string sum = graph.Node("Add", {"x", cube});
  const std::string tanh =
      graph.Node("Tanh", {graph.Node("Mul", {sum, graph.Number(std::sqrt(2 / M_PI))})});
  const std::string gate = graph.Node("Add", {tanh, graph.Number(1)});
  graph.Node("Mul", {graph.Node("Mul", {"x", graph.Number(0.5)}), gate});
  EXPECT_EQ(graph.Last().op, kGeluPattern);
  EXPECT_EQ(std::get<int64_t>(graph.Last().attributes.at("approximate")), 1);
}

TEST(Patterns, FindASwishAndItsBeta) {
  Graph plain;
  plain.Node("Mul", {"x", plain.Node("Sigmoid", {"x"})});
  EXPECT_EQ(plain.Last().op, kSwishPattern);
  EXPECT_TRUE(plain.Last().attributes.empty());
  Graph set;
  const std::string scaled = set.Node("Mul", {"x", set.Number(1.5)});
  set.Node("Mul", {set.Node("Sigmoid", {scaled}), "x"});
  EXPECT_EQ(set.Last().op, kSwishPattern);
  EXPECT_EQ(std::get<float>(set.Last().attributes.at("beta")), 1.5F);
}

TEST(Patterns, FindNoSwishWhereAGateIsOfAnotherValue) {
  Graph graph;
  graph.Node("Mul", {"x", graph.Node("Sigmoid", {"z"})});
  EXPECT_EQ(graph.Last().op, "Mul");
}

TEST(Patterns, FindAMish) {
  Graph graph;
  graph.Node("Mul", {"x", graph.Node("Tanh", {graph.Node("Softplus", {"x"})})});
  EXPECT_EQ(graph.Last().op, kMishPattern);
}

// (x - mean) / sqrt(variance + epsilon), and what is read of it.
std::string Normalized(Graph& graph, const std::vector<int64_t>& axes) {
  const std::string mean = graph.Node("ReduceMean", {"x"}, {{"axes", axes}});
  const std::string distance = graph.Node("Sub", {"x", mean});
  const std::string square = graph.Node("Pow", {distance, graph.Number(2)});
  const std::string variance = graph.Node("ReduceMean", {square}, {{"axes", axes}});
  const std::string root = graph.Node("Sqrt", {graph.Node("Add", {variance, graph.Number(1e-5)})});
  return graph.Node("Div", {distance, root});
}

TEST(Patterns, FindALayerNormalizationWithItsWeights) {
  Graph graph;
  const std::string scaled = graph.Node("Mul", {Normalized(graph, {-1}), graph.List("gamma")});
  graph.Node("Add", {scaled, graph.List("beta")});
  EXPECT_EQ(graph.Last().op, "LayerNormalization");
  EXPECT_THAT(graph.Last().inputs, ElementsAre("x", "gamma", "beta"));
  EXPECT_EQ(std::get<float>(graph.Last().attributes.at("epsilon")), 1e-5F);
}

TEST(Patterns, FindALayerNormalizationWithoutAScale) {
  Graph graph;
  graph.Node("Add", {graph.List("beta"), Normalized(graph, {-1})});
  EXPECT_THAT(graph.Last().inputs, ElementsAre("x", "", "beta"));
}

TEST(Patterns, FindNoLayerNormalizationAlongOtherAxes) {
  Graph graph;
  Normalized(graph, {1});
  EXPECT_EQ(graph.Last().op, "Div");
}

TEST(Patterns, FindAReluWithSettings) {
  Graph graph;
  const std::string threshold = graph.Number(0.25);
  const std::string less = graph.Node("Less", {"x", threshold});
  const std::string below =
      graph.Node("Mul", {graph.Node("Sub", {"x", threshold}), graph.Number(0.5)});
  graph.Node("Where", {less, below, graph.Node("Min", {"x", graph.Number(6)})});
  EXPECT_EQ(graph.Last().op, kCutReluPattern);
  EXPECT_EQ(std::get<float>(graph.Last().attributes.at("threshold")), 0.25F);
  EXPECT_EQ(std::get<float>(graph.Last().attributes.at("slope")), 0.5F);
  EXPECT_EQ(std::get<float>(graph.Last().attributes.at("max_value")), 6);
}

}  // namespace
}  // namespace gradus::onnx_import
