// SPDX-License-Identifier: Apache-2.0
// Functions that are written as several nodes, found from the last one backwards.
#include "engine/graph/onnx_import/patterns.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace gradus::onnx_import {
namespace {

using onnx::Node;

constexpr double kRounding = 1e-5;
// Products within products that are looked through.
constexpr int kMostDepth = 4;

bool Near(double a, double b) { return std::abs(a - b) <= kRounding * std::abs(b); }

// A product: values, and the constant that they are multiplied by.
struct Factors {
  std::vector<std::string> values;
  double constant = 1;
};

class Finding {
 public:
  explicit Finding(onnx::ModelGraph& graph) : graph_(graph) {
    for (Node& node : graph.nodes)
      if (!node.outputs.empty()) makers_.emplace(node.outputs[0], &node);
  }

  void Run() {
    for (Node& node : graph_.nodes) {
      if (node.op == "Mul") FindProduct(node);
      if (node.op == "Where") FindCutRelu(node);
      if (node.op == "Div") FindLayerNormalization(node);
      if (node.op == "Mul" || node.op == "Add") AddToLayerNormalization(node);
    }
  }

 private:
  // The node of which it is the first output, if it is one of this operator.
  const Node* Maker(const std::string& value, const char* op) const {
    const auto found = makers_.find(value);
    return found != makers_.end() && found->second->op == op ? found->second : nullptr;
  }

  std::optional<double> Number(const std::string& value) const {
    const auto found = graph_.constants.find(value);
    if (found == graph_.constants.end() || found->second.floats() == nullptr ||
        found->second.size() != 1)
      return std::nullopt;
    return (*found->second.floats())[0];
  }

  bool Is(const std::string& value, double number) const {
    const std::optional<double> found = Number(value);
    return found.has_value() && Near(*found, number);
  }

  // The input of a node of two that is not this number; null where neither is.
  const std::string* Other(const Node* node, double number) const {
    if (node == nullptr || node->inputs.size() != 2) return nullptr;
    for (const size_t i : {0U, 1U})
      if (Is(node->inputs[i], number)) return &node->inputs[1 - i];
    return nullptr;
  }

  void Collect(const std::string& value, int depth, Factors& factors) const {
    if (const std::optional<double> number = Number(value)) {
      factors.constant *= *number;
      return;
    }
    const Node* product = depth < kMostDepth ? Maker(value, "Mul") : nullptr;
    const Node* quotient = depth < kMostDepth ? Maker(value, "Div") : nullptr;
    if (product != nullptr && product->inputs.size() == 2) {
      for (const std::string& input : product->inputs) Collect(input, depth + 1, factors);
    } else if (quotient != nullptr && quotient->inputs.size() == 2 &&
               Number(quotient->inputs[1]).value_or(0) != 0) {
      Collect(quotient->inputs[0], depth + 1, factors);
      factors.constant /= *Number(quotient->inputs[1]);
    } else if (const Node* power = Maker(value, "Pow");
               power != nullptr && power->inputs.size() == 2 && Is(power->inputs[1], 3)) {
      factors.values.insert(factors.values.end(), 3, power->inputs[0]);
    } else {
      factors.values.push_back(value);
    }
  }

  Factors FactorsOf(const std::string& value) const {
    Factors factors;
    Collect(value, 0, factors);
    return factors;
  }

  void Become(Node& node, const char* op, const std::string& input,
              std::map<std::string, onnx::AttributeValue> attributes) {
    node.op = op;
    node.inputs = {input};
    node.attributes = std::move(attributes);
  }

  // x times a function of x.
  void FindProduct(Node& node) {
    if (node.outputs.empty()) return;
    const Factors factors = FactorsOf(node.outputs[0]);
    if (factors.values.size() != 2) return;
    for (const size_t i : {0U, 1U}) {
      const std::string& x = factors.values[i];
      const std::string& gate = factors.values[1 - i];
      if (Near(factors.constant, 0.5)) {
        if (const std::string* inner = Other(Maker(gate, "Add"), 1)) {
          if (IsErrorFunction(*inner, x)) return Become(node, kGeluPattern, x, {});
          if (IsAlmostErrorFunction(*inner, x))
            return Become(node, kGeluPattern, x, {{"approximate", int64_t{1}}});
        }
      }
      if (!Near(factors.constant, 1)) continue;
      if (const Node* sigmoid = Maker(gate, "Sigmoid"); sigmoid != nullptr) {
        const Factors inner = FactorsOf(sigmoid->inputs[0]);
        if (inner.values == std::vector<std::string>{x}) {
          return Become(node, kSwishPattern, x,
                        inner.constant == 1 ? std::map<std::string, onnx::AttributeValue>{}
                                            : std::map<std::string, onnx::AttributeValue>{
                                                  {"beta", static_cast<float>(inner.constant)}});
        }
      }
      const Node* tanh = Maker(gate, "Tanh");
      const Node* softplus = tanh == nullptr ? nullptr : Maker(tanh->inputs[0], "Softplus");
      if (softplus != nullptr && softplus->inputs[0] == x) return Become(node, kMishPattern, x, {});
    }
  }

  bool IsErrorFunction(const std::string& value, const std::string& x) const {
    const Node* erf = Maker(value, "Erf");
    if (erf == nullptr) return false;
    const Factors inner = FactorsOf(erf->inputs[0]);
    return inner.values == std::vector<std::string>{x} && Near(inner.constant, std::sqrt(0.5));
  }

  // tanh(sqrt(2 / pi) (x + 0.044715 x^3)).
  bool IsAlmostErrorFunction(const std::string& value, const std::string& x) const {
    const Node* tanh = Maker(value, "Tanh");
    if (tanh == nullptr) return false;
    const Factors inner = FactorsOf(tanh->inputs[0]);
    const Node* sum = inner.values.size() == 1 ? Maker(inner.values[0], "Add") : nullptr;
    if (sum == nullptr || sum->inputs.size() != 2 || !Near(inner.constant, std::sqrt(2 / M_PI)))
      return false;
    for (const size_t i : {0U, 1U}) {
      const Factors cube = FactorsOf(sum->inputs[1 - i]);
      if (sum->inputs[i] == x && cube.values == std::vector<std::string>(3, x) &&
          Near(cube.constant, 0.044715))
        return true;
    }
    return false;
  }

  // x below a threshold ? slope (x - threshold) : x or min(x, most).
  void FindCutRelu(Node& node) {
    if (node.inputs.size() != 3) return;
    const Node* less = Maker(node.inputs[0], "Less");
    if (less == nullptr || less->inputs.size() != 2) return;
    const std::string x = less->inputs[0];
    const std::optional<double> threshold = Number(less->inputs[1]);
    const Factors below = FactorsOf(node.inputs[1]);
    const Node* moved = below.values.size() == 1 ? Maker(below.values[0], "Sub") : nullptr;
    if (!threshold.has_value() || moved == nullptr ||
        moved->inputs != std::vector<std::string>{x, less->inputs[1]})
      return;
    std::map<std::string, onnx::AttributeValue> attributes = {
        {"threshold", static_cast<float>(*threshold)},
        {"slope", static_cast<float>(below.constant)}};
    if (node.inputs[2] != x) {
      const Node* least = Maker(node.inputs[2], "Min");
      if (least == nullptr || least->inputs.size() != 2 || least->inputs[0] != x) return;
      const std::optional<double> most = Number(least->inputs[1]);
      if (!most.has_value()) return;
      attributes.emplace("max_value", static_cast<float>(*most));
    }
    Become(node, kCutReluPattern, x, std::move(attributes));
  }

  // The mean of the last axis, which stays; null where it is none.
  const Node* LastMean(const std::string& value) const {
    const Node* mean = Maker(value, "ReduceMean");
    if (mean == nullptr || mean->inputs.empty()) return nullptr;
    const auto keep = mean->attributes.find("keepdims");
    if (keep != mean->attributes.end() && keep->second != onnx::AttributeValue(int64_t{1}))
      return nullptr;
    const std::vector<int64_t> last = {-1};
    const auto axes = mean->attributes.find("axes");
    if (axes != mean->attributes.end())
      return axes->second == onnx::AttributeValue(last) ? mean : nullptr;
    const auto given =
        mean->inputs.size() > 1 ? graph_.constants.find(mean->inputs[1]) : graph_.constants.end();
    return given != graph_.constants.end() && given->second.integers() != nullptr &&
                   *given->second.integers() == last
               ? mean
               : nullptr;
  }

  // (x - mean) / sqrt(mean of (x - mean)^2 + epsilon).
  void FindLayerNormalization(Node& node) {
    if (node.inputs.size() != 2) return;
    const std::string distance = node.inputs[0];
    const Node* moved = Maker(distance, "Sub");
    const Node* root = Maker(node.inputs[1], "Sqrt");
    const Node* sum = root == nullptr ? nullptr : Maker(root->inputs[0], "Add");
    if (moved == nullptr || moved->inputs.size() != 2 || sum == nullptr || sum->inputs.size() != 2)
      return;
    const Node* mean = LastMean(moved->inputs[1]);
    const Node* variance = LastMean(sum->inputs[0]);
    const std::optional<double> epsilon = Number(sum->inputs[1]);
    if (mean == nullptr || variance == nullptr || !epsilon.has_value() ||
        mean->inputs[0] != moved->inputs[0] || !IsSquare(variance->inputs[0], distance))
      return;
    Become(node, "LayerNormalization", moved->inputs[0],
           {{"epsilon", static_cast<float>(*epsilon)}});
  }

  bool IsSquare(const std::string& value, const std::string& x) const {
    const Node* power = Maker(value, "Pow");
    if (power != nullptr)
      return power->inputs.size() == 2 && power->inputs[0] == x && Is(power->inputs[1], 2);
    const Node* product = Maker(value, "Mul");
    return product != nullptr && product->inputs == std::vector<std::string>{x, x};
  }

  // A list of factors or summands behind a normalization that has none yet.
  void AddToLayerNormalization(Node& node) {
    if (node.inputs.size() != 2) return;
    const size_t place = node.op == "Mul" ? 1 : 2;
    for (const size_t i : {0U, 1U}) {
      const Node* before = Maker(node.inputs[i], "LayerNormalization");
      const auto list = graph_.constants.find(node.inputs[1 - i]);
      if (before == nullptr || before->inputs.size() > place || list == graph_.constants.end() ||
          list->second.floats() == nullptr || list->second.shape.size() != 1 ||
          list->second.size() == 1)
        continue;
      std::vector<std::string> inputs = before->inputs;
      inputs.resize(place + 1);
      inputs[place] = list->first;
      node.op = before->op;
      node.attributes = before->attributes;
      node.inputs = std::move(inputs);
      return;
    }
  }

  onnx::ModelGraph& graph_;
  std::map<std::string, Node*> makers_;
};

}  // namespace

void FindPatterns(onnx::ModelGraph& graph) { Finding(graph).Run(); }

}  // namespace gradus::onnx_import
