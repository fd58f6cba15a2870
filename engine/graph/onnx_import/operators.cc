// SPDX-License-Identifier: Apache-2.0
// The operators of all families, and what is the same for all of them.
#include "engine/graph/onnx_import/operators.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::onnx_import {
namespace {

absl::Status CheckAttributes(const Operator& op, const onnx::Node& node) {
  for (const auto& attribute : node.attributes) {
    const std::string& name = attribute.first;
    const onnx::AttributeValue& value = attribute.second;
    const auto named = [&](const AttributeRule& rule) { return rule.name == name; };
    if (std::ranges::none_of(op.attributes, named)) {
      return absl::UnimplementedError(
          absl::StrCat("its attribute \"", base::Shown(name), "\" is not known"));
    }
    const auto fits = [&](const AttributeRule& rule) {
      return named(rule) && value.index() == static_cast<size_t>(rule.type);
    };
    if (std::ranges::none_of(op.attributes, fits))
      return absl::InvalidArgumentError(
          absl::StrCat("its attribute \"", name, "\" is of another type than ONNX's"));
  }
  return absl::OkStatus();
}

}  // namespace

const Operator* Find(const std::string& op) {
  for (const OperatorFamily* family : Table()) {
    const auto found = std::ranges::find(family->operators, op, &Operator::name);
    if (found != family->operators.end()) return &*found;
  }
  return nullptr;
}

absl::Status Import(NodeUse& use) {
  const Operator* op = Find(use.node().op);
  if (op == nullptr) return absl::UnimplementedError("the operator is not known");
  RETURN_IF_ERROR(CheckAttributes(*op, use.node()));
  if (use.inputs() < op->min_inputs || use.inputs() > op->max_inputs) {
    return absl::InvalidArgumentError(absl::StrCat("it has ", use.inputs(), " inputs, not ",
                                                   op->min_inputs, " to ", op->max_inputs));
  }
  if (op->only_moves && use.IsFilled(0)) return use.Pass(0);
  bool constants = use.inputs() > 0;
  for (size_t i = 0; i < use.inputs(); ++i)
    constants = constants && (!use.Has(i) || use.ConstantAt(i) != nullptr);
  return constants && op->fold != nullptr ? op->fold(use) : op->import(use);
}

}  // namespace gradus::onnx_import
