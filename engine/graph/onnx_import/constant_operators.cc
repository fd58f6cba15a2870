// SPDX-License-Identifier: Apache-2.0
// What gives constants, and types.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/operators.h"

namespace gradus::onnx_import {
namespace {

// Whole numbers that are made one by one, as lists of shapes are.
constexpr int64_t kMostMade = 64;

absl::Status ShapeOf(NodeUse& use) {
  Shape shape;
  if (use.IsRows(0)) {
    ASSIGN_OR_RETURN(const Rows rows, use.AnyRowsAt(0));
    std::vector<size_t> axes(rows.axes.size());
    std::iota(axes.begin(), axes.end(), 0);
    shape = ExtentsOf(use.network(), rows, axes);
  } else if (const onnx::Constant* constant = use.ConstantAt(0)) {
    shape = constant->shape;
  } else {
    return use.AnyRowsAt(0).status();
  }
  const auto rank = static_cast<int64_t>(shape.size());
  const auto bound = [&](const char* name, int64_t fallback) {
    const int64_t given = std::clamp(use.Integer(name, fallback), -rank, rank);
    return given < 0 ? given + rank : given;
  };
  const int64_t start = bound("start", 0);
  const int64_t end = std::max(start, bound("end", rank));
  shape = Shape(shape.begin() + start, shape.begin() + end);
  return use.Give(onnx::Constant{{end - start}, std::move(shape)});
}

absl::Status ConstantOfShape(NodeUse& use) {
  ASSIGN_OR_RETURN(const Shape shape, use.IntegersAt(0));
  for (const int64_t extent : shape)
    if (extent < 0 && extent != kBatch)
      return absl::InvalidArgumentError(absl::StrCat(extent, " is no extent"));
  const auto value = use.node().attributes.find("value");
  const bool whole =
      value != use.node().attributes.end() && std::holds_alternative<int64_t>(value->second);
  if (!whole) return use.Give(Filled{use.Float("value", 0)});
  if (shape.size() != 1 || shape[0] < 0 || shape[0] > kMostMade)
    return NodeUse::Unknown("a list of many whole numbers");
  return use.Give(onnx::Constant{
      shape, std::vector<int64_t>(static_cast<size_t>(shape[0]), use.Integer("value", 0))});
}

// One number stays one; what is that large already stays as it is.
absl::Status Expand(NodeUse& use) {
  ASSIGN_OR_RETURN(const Shape shape, use.IntegersAt(1));
  if (use.IsRows(0)) {
    ASSIGN_OR_RETURN(const Rows rows, use.AnyRowsAt(0));
    std::vector<size_t> axes(rows.axes.size());
    std::iota(axes.begin(), axes.end(), 0);
    if (ExtentsOf(use.network(), rows, axes) != shape) return NodeUse::Unknown("rows that repeat");
    return use.Pass(0);
  }
  if (const std::optional<float> number = use.NumberAt(0)) return use.Give(Filled{*number});
  ASSIGN_OR_RETURN(const onnx::Constant* constant, use.FloatsAt(0));
  if (constant->shape == shape) return use.Pass(0);
  const std::vector<float>& values = *constant->floats();
  if (values.empty() || std::ranges::any_of(values, [&](float v) { return v != values[0]; }))
    return NodeUse::Unknown("a constant that repeats");
  return use.Give(Filled{values[0]});
}

// ONNX's numbers of types.
enum class Type : int64_t { kFloat = 1, kInt32 = 6, kInt64 = 7, kDouble = 11 };

// Whole numbers are numbers: what is fed to an embedding is cut to whole numbers by ONNX, and has
// to be whole here.
absl::Status Cast(NodeUse& use) {
  ASSIGN_OR_RETURN(Rows rows, use.AnyRowsAt(0));
  const auto type = static_cast<Type>(use.Integer("to", 0));
  switch (type) {
    case Type::kFloat:
    case Type::kDouble:
      rows.whole = false;
      return use.Give(std::move(rows));
    case Type::kInt32:
    case Type::kInt64:
      rows.whole = true;
      return use.Give(std::move(rows));
  }
  return NodeUse::Unknown("a type that rows have not");
}

absl::Status FoldedCast(NodeUse& use) {
  constexpr float kMostWhole = 0x1p53F;
  const onnx::Constant& given = *use.ConstantAt(0);
  const auto type = static_cast<Type>(use.Integer("to", 0));
  const bool to_float = type == Type::kFloat || type == Type::kDouble;
  if (!to_float && type != Type::kInt32 && type != Type::kInt64)
    return NodeUse::Unknown("a type that constants have not");
  if (to_float == (given.floats() != nullptr)) return use.Pass(0);
  onnx::Constant result = {given.shape, {}};
  if (to_float) {
    if (std::ranges::count(*given.integers(), kBatch) > 0)
      return NodeUse::Unknown("it computes with the number of rows");
    result.values = std::vector<float>(given.integers()->begin(), given.integers()->end());
    return use.Give(std::move(result));
  }
  std::vector<int64_t> whole;
  for (const float value : *given.floats()) {
    if (!(std::abs(value) <= kMostWhole))
      return absl::InvalidArgumentError(absl::StrCat(value, " is no whole number"));
    whole.push_back(static_cast<int64_t>(value));
  }
  result.values = std::move(whole);
  return use.Give(std::move(result));
}

constexpr AttributeRule kShape[] = {{"start", AttributeType::kInteger},
                                    {"end", AttributeType::kInteger}};
constexpr AttributeRule kValue[] = {{"value", AttributeType::kFloat},
                                    {"value", AttributeType::kInteger}};
constexpr AttributeRule kTo[] = {{"to", AttributeType::kInteger}};

constexpr Operator kOperators[] = {
    {"Shape", ShapeOf, 1, 1, kShape},
    {"ConstantOfShape", ConstantOfShape, 1, 1, kValue},
    {"Expand", Expand, 2, 2},
    {"Cast", Cast, 1, 1, kTo, AxisOrder::kKept, FoldedCast},
};

}  // namespace

extern const OperatorFamily constant_operators_kind;
constinit const OperatorFamily constant_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
