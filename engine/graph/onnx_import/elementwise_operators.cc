// SPDX-License-Identifier: Apache-2.0
// Sums, products and the like: of several rows, and of rows and constants.
#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/both_ways.h"
#include "engine/graph/onnx_import/element_layers.h"
#include "engine/graph/onnx_import/operators.h"

namespace gradus::onnx_import {
namespace {

// A layer that takes all inputs. One input is itself.
template <auto kMutable>
absl::Status Merged(NodeUse& use) {
  if (use.inputs() == 1) return use.Pass(0);
  std::vector<Rows> rows;
  for (size_t i = 0; i < use.inputs(); ++i) {
    ASSIGN_OR_RETURN(rows.emplace_back(), use.AnyRowsAt(i));
  }
  v1::Layer layer;
  (layer.*kMutable)();
  ASSIGN_OR_RETURN(std::optional<Rows> both, BothWays(use, rows, layer));
  if (both.has_value()) return use.Give(*std::move(both));
  for (size_t i = 0; i < use.inputs(); ++i) {
    ASSIGN_OR_RETURN(rows[i], use.RowsAt(i));
  }
  ASSIGN_OR_RETURN(const Together together, Alike(use.network(), rows));
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), together.sources));
  return use.Give(Rows{.source = made, .axes = together.axes});
}

// Which of two inputs is a constant; nothing where both are rows or there are others.
std::optional<size_t> ConstantOf(const NodeUse& use) {
  if (use.inputs() != 2 || use.IsRows(0) == use.IsRows(1)) return std::nullopt;
  return use.IsRows(0) ? 1 : 0;
}

// The constant with each value changed.
absl::StatusOr<onnx::Constant> Mapped(NodeUse& use, size_t input,
                                      const std::function<float(float)>& f) {
  if (const std::optional<float> number = use.NumberAt(input))
    return onnx::Constant{{}, std::vector<float>{f(*number)}};
  ASSIGN_OR_RETURN(const onnx::Constant* constant, use.FloatsAt(input));
  std::vector<float> values;
  for (const float value : *constant->floats()) values.push_back(f(value));
  return onnx::Constant{constant->shape, std::move(values)};
}

float Same(float value) { return value; }

absl::Status Shift(NodeUse& use, size_t constant, const std::function<float(float)>& f) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(1 - constant));
  ASSIGN_OR_RETURN(const onnx::Constant offset, Mapped(use, constant, f));
  ASSIGN_OR_RETURN(Rows result, Shifted(use, rows, offset, use.name_of(constant)));
  return use.Give(std::move(result));
}

absl::Status Scale(NodeUse& use, size_t constant, const std::function<float(float)>& f) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(1 - constant));
  ASSIGN_OR_RETURN(const onnx::Constant scale, Mapped(use, constant, f));
  ASSIGN_OR_RETURN(Rows result, Scaled(use, rows, scale));
  return use.Give(std::move(result));
}

absl::Status Add(NodeUse& use) {
  const std::optional<size_t> constant = ConstantOf(use);
  return constant.has_value() ? Shift(use, *constant, Same) : Merged<&v1::Layer::mutable_add>(use);
}

absl::Status Mul(NodeUse& use) {
  const std::optional<size_t> constant = ConstantOf(use);
  return constant.has_value() ? Scale(use, *constant, Same)
                              : Merged<&v1::Layer::mutable_multiply>(use);
}

absl::Status Sub(NodeUse& use) {
  const std::optional<size_t> constant = ConstantOf(use);
  if (!constant.has_value()) return Merged<&v1::Layer::mutable_subtract>(use);
  if (*constant == 1) return Shift(use, 1, std::negate<>());
  const std::optional<float> number = use.NumberAt(0);
  if (!number.has_value()) return NodeUse::Unknown("a constant that differs, minus rows");
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(1));
  ASSIGN_OR_RETURN(Rows result, Rescaled(use, rows, -1, Plain(*number)));
  return use.Give(std::move(result));
}

absl::Status Div(NodeUse& use) {
  if (ConstantOf(use) != std::optional<size_t>(1))
    return NodeUse::Unknown("a division by what is no constant");
  return Scale(use, 1, [](float divisor) { return 1 / divisor; });
}

absl::Status Neg(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  ASSIGN_OR_RETURN(Rows result, Rescaled(use, rows, -1, 0));
  return use.Give(std::move(result));
}

absl::Status Cut(NodeUse& use, size_t constant, bool below) {
  const std::optional<float> bound = use.NumberAt(constant);
  if (!bound.has_value()) return NodeUse::Unknown("a constant that differs as a bound");
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(1 - constant));
  ASSIGN_OR_RETURN(Rows result,
                   Clipped(use, rows, below ? bound : std::nullopt, below ? std::nullopt : bound));
  return use.Give(std::move(result));
}

absl::Status Max(NodeUse& use) {
  const std::optional<size_t> constant = ConstantOf(use);
  return constant.has_value() ? Cut(use, *constant, true)
                              : Merged<&v1::Layer::mutable_maximum>(use);
}

absl::Status Min(NodeUse& use) {
  const std::optional<size_t> constant = ConstantOf(use);
  return constant.has_value() ? Cut(use, *constant, false)
                              : Merged<&v1::Layer::mutable_minimum>(use);
}

// Functions of constants; of whole numbers nothing where the result is none.
struct Plus {
  float operator()(float a, float b) const { return a + b; }
  bool operator()(int64_t a, int64_t b, int64_t& c) const {
    return !__builtin_add_overflow(a, b, &c);
  }
};
struct Minus {
  float operator()(float a, float b) const { return a - b; }
  bool operator()(int64_t a, int64_t b, int64_t& c) const {
    return !__builtin_sub_overflow(a, b, &c);
  }
};
struct Times {
  float operator()(float a, float b) const { return a * b; }
  bool operator()(int64_t a, int64_t b, int64_t& c) const {
    return !__builtin_mul_overflow(a, b, &c);
  }
};
struct Over {
  float operator()(float a, float b) const { return a / b; }
  bool operator()(int64_t a, int64_t b, int64_t& c) const {
    if (b <= 0) return false;
    c = a / b;
    return true;
  }
};
struct Larger {
  float operator()(float a, float b) const { return std::fmax(a, b); }
  bool operator()(int64_t a, int64_t b, int64_t& c) const {
    c = std::max(a, b);
    return true;
  }
};
struct Smaller {
  float operator()(float a, float b) const { return std::fmin(a, b); }
  bool operator()(int64_t a, int64_t b, int64_t& c) const {
    c = std::min(a, b);
    return true;
  }
};

template <typename Function>
absl::Status Apply(const std::vector<float>& other, std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = Function()(values[i], other[other.size() == 1 ? 0 : i]);
  return absl::OkStatus();
}

template <typename Function>
absl::Status Apply(const std::vector<int64_t>& other, std::vector<int64_t>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t second = other[other.size() == 1 ? 0 : i];
    if (values[i] == kBatch || second == kBatch)
      return NodeUse::Unknown("it computes with the number of rows");
    if (!Function()(values[i], second, values[i]))
      return absl::InvalidArgumentError("whole numbers that are too large, or a division by 0");
  }
  return absl::OkStatus();
}

// Constants of one shape, or the later ones of one value.
template <typename Function>
absl::Status Folded(NodeUse& use) {
  const onnx::Constant& first = *use.ConstantAt(0);
  onnx::Constant result = first;
  for (size_t i = 1; i < use.inputs(); ++i) {
    const onnx::Constant& other = *use.ConstantAt(i);
    if (other.values.index() != first.values.index() ||
        (other.shape != first.shape && (other.size() != 1 || other.shape.size() > 1)))
      return NodeUse::Unknown("constants of different shapes or types");
    RETURN_IF_ERROR(std::visit(
        [&](auto& values) {
          return Apply<Function>(std::get<std::decay_t<decltype(values)>>(other.values), values);
        },
        result.values));
  }
  return use.Give(std::move(result));
}

absl::Status Sqrt(NodeUse&) { return NodeUse::Unknown("there is no square root"); }

absl::Status FoldedSqrt(NodeUse& use) {
  ASSIGN_OR_RETURN(onnx::Constant root, Mapped(use, 0, [](float x) { return std::sqrt(x); }));
  root.shape = use.ConstantAt(0)->shape;
  return use.Give(std::move(root));
}

constexpr size_t kMost = 1000;
constexpr Operator kOperators[] = {
    {"Add", Add, 2, 2, {}, AxisOrder::kKept, Folded<Plus>},
    {"Sub", Sub, 2, 2, {}, AxisOrder::kKept, Folded<Minus>},
    {"Mul", Mul, 2, 2, {}, AxisOrder::kKept, Folded<Times>},
    {"Div", Div, 2, 2, {}, AxisOrder::kKept, Folded<Over>},
    {"Neg", Neg, 1, 1, {}, AxisOrder::kKept},
    {"Sqrt", Sqrt, 1, 1, {}, AxisOrder::kKept, FoldedSqrt},
    {"Sum", Add, 1, kMost, {}, AxisOrder::kKept, Folded<Plus>},
    {"Mean", Merged<&v1::Layer::mutable_average>, 1, kMost, {}, AxisOrder::kKept},
    {"Max", Max, 1, kMost, {}, AxisOrder::kKept, Folded<Larger>},
    {"Min", Min, 1, kMost, {}, AxisOrder::kKept, Folded<Smaller>},
};

}  // namespace

extern const OperatorFamily elementwise_operators_kind;
constinit const OperatorFamily elementwise_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
