// SPDX-License-Identifier: Apache-2.0
// Products with matrices, and rows of tables.
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/tensor.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/cutting.h"
#include "engine/graph/onnx_import/operators.h"

namespace gradus::onnx_import {
namespace {

void Multiply(std::vector<float>& values, float factor) {
  if (factor == 1) return;
  for (float& value : values) value *= factor;
}

// A matrix (inputs, units).
absl::StatusOr<GivenWeight> KernelOf(const NodeUse& use, size_t input, bool turned) {
  ASSIGN_OR_RETURN(const onnx::Constant* matrix, use.FloatsAt(input));
  if (matrix->shape.size() != 2)
    return NodeUse::Unknown("a product with a constant that is no matrix");
  GivenWeight kernel = {"kernel", matrix->shape, *matrix->floats(), use.name_of(input)};
  if (turned) {
    onnx::Tensor tensor = onnx::Permuted({{}, matrix->shape, *matrix->floats()}, {1, 0});
    kernel.shape = std::move(tensor.shape);
    kernel.values = std::move(tensor.values);
  }
  return kernel;
}

// One number for each unit, whatever the constant repeats.
absl::StatusOr<GivenWeight> BiasOf(const NodeUse& use, size_t input, int64_t units) {
  ASSIGN_OR_RETURN(const onnx::Constant* constant, use.FloatsAt(input));
  GivenWeight bias = {"bias", {units}, *constant->floats(), use.name_of(input)};
  if (constant->size() == 1) {
    bias.values.assign(static_cast<size_t>(units), bias.values[0]);
    return bias;
  }
  if (constant->size() == static_cast<size_t>(units) && constant->shape.back() == units)
    return bias;
  return NodeUse::Unknown("what is added differs from row to row");
}

absl::Status Gemm(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  if (rows.axes.size() != 2 || rows.axes[0] != 0 || use.Integer("transA", 0) != 0)
    return NodeUse::Unknown("rows are turned");
  const std::vector<size_t> axes = {1};
  ASSIGN_OR_RETURN(const int source, Arranged(use.network(), rows, axes));
  std::vector<GivenWeight> weights(1);
  ASSIGN_OR_RETURN(weights[0], KernelOf(use, 1, use.Integer("transB", 0) != 0));
  Multiply(weights[0].values, use.Float("alpha", 1));
  const int64_t units = weights[0].shape[1];
  v1::Layer layer;
  layer.mutable_dense()->set_units(units);
  if (use.Has(2)) {
    ASSIGN_OR_RETURN(weights.emplace_back(), BiasOf(use, 2, units));
    Multiply(weights[1].values, use.Float("beta", 1));
  } else {
    layer.mutable_dense()->set_use_bias(false);
  }
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {source}, std::move(weights)));
  return use.Give(ViewOf(made, axes));
}

// Two matrices in each row: sums along the last axis of the first and the first of the second.
absl::Status RowsTimesRows(NodeUse& use) {
  std::vector<int> sources;
  for (const size_t input : {0U, 1U}) {
    ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(input));
    if (rows.axes.size() != 3 || rows.axes[0] != 0)
      return NodeUse::Unknown("a product of rows that are no matrices");
    ASSIGN_OR_RETURN(sources.emplace_back(), Arranged(use.network(), rows, RowAxesOf(rows)));
  }
  v1::Layer layer;
  layer.mutable_dot()->add_axes(2);
  layer.mutable_dot()->add_axes(1);
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), std::move(sources)));
  return use.Give(Rows{.source = made, .axes = {0, 1, 2}});
}

absl::Status MatMul(NodeUse& use) {
  if (use.IsRows(0) && use.IsRows(1)) return RowsTimesRows(use);
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  const size_t last = rows.axes.size() - 1;
  if (rows.axes[last] == 0) return NodeUse::Unknown("a product along the batch");
  std::vector<size_t> axes = OwnOrderOf(rows);
  std::erase(axes, last);
  axes.push_back(last);
  ASSIGN_OR_RETURN(const int source, Arranged(use.network(), rows, axes));
  std::vector<GivenWeight> weights(1);
  ASSIGN_OR_RETURN(weights[0], KernelOf(use, 1, false));
  v1::Layer layer;
  layer.mutable_dense()->set_units(weights[0].shape[1]);
  // What is added behind it becomes its bias.
  layer.mutable_dense()->set_use_bias(false);
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {source}, std::move(weights)));
  return use.Give(ViewOf(made, axes));
}

// The row of a table that each number names.
absl::Status Embedding(NodeUse& use) {
  ASSIGN_OR_RETURN(const onnx::Constant* table, use.FloatsAt(0));
  ASSIGN_OR_RETURN(const Rows rows, use.AnyRowsAt(1));
  if (table->shape.size() != 2 || use.Integer("axis", 0) != 0 || rows.flipped != 0)
    return NodeUse::Unknown("parts of a constant that is no table of rows");
  v1::Layer layer;
  layer.mutable_embedding()->set_input_dim(table->shape[0]);
  layer.mutable_embedding()->set_output_dim(table->shape[1]);
  ASSIGN_OR_RETURN(const int made,
                   use.Add(std::move(layer), {rows.source},
                           {{"embeddings", table->shape, *table->floats(), use.name_of(0)}}));
  Rows result = {.source = made, .axes = rows.axes};
  result.axes.push_back(use.network().shape_of(made).size());
  return use.Give(std::move(result));
}

absl::Status Gather(NodeUse& use) { return use.IsRows(1) ? Embedding(use) : Pick(use); }

constexpr AttributeRule kGemm[] = {{"alpha", AttributeType::kFloat},
                                   {"beta", AttributeType::kFloat},
                                   {"transA", AttributeType::kInteger},
                                   {"transB", AttributeType::kInteger}};
constexpr AttributeRule kAxis[] = {{"axis", AttributeType::kInteger}};

constexpr Operator kOperators[] = {
    {"Gemm", Gemm, 2, 3, kGemm},
    {"MatMul", MatMul, 2, 2},
    {"Gather", Gather, 2, 2, kAxis, AxisOrder::kCounted, FoldedPick},
};

}  // namespace

extern const OperatorFamily product_operators_kind;
constinit const OperatorFamily product_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
