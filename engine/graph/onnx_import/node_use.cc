// SPDX-License-Identifier: Apache-2.0
// One node while it is imported.
#include "engine/graph/onnx_import/node_use.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::onnx_import {
namespace {

template <typename T>
T AttributeOf(const onnx::Node& node, const char* name, T fallback) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? std::move(fallback) : std::get<T>(found->second);
}

}  // namespace

Values::Values(const onnx::ModelGraph& graph) {
  for (const onnx::Node& node : graph.nodes)
    for (const std::string& input : node.inputs) ++uses_[input];
  for (const std::string& output : graph.outputs) ++uses_[output];
  for (const auto& [name, constant] : graph.constants) values_.emplace(name, &constant);
}

const Value* Values::Find(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

int Values::uses(const std::string& name) const {
  const auto found = uses_.find(name);
  return found == uses_.end() ? 0 : found->second;
}

void Values::Give(const std::string& name, Value value) {
  if (Rows* rows = std::get_if<Rows>(&value)) rows->alone = rows->alone && uses(name) <= 1;
  values_.insert_or_assign(name, std::move(value));
}

const onnx::Constant* Values::Keep(onnx::Constant constant) {
  kept_.push_back(std::make_unique<const onnx::Constant>(std::move(constant)));
  return kept_.back().get();
}

const Value* NodeUse::Find(size_t input) const {
  return Has(input) ? values_.Find(node_.inputs[input]) : nullptr;
}

bool NodeUse::Has(size_t input) const {
  return input < node_.inputs.size() && !node_.inputs[input].empty();
}

bool NodeUse::IsRows(size_t input) const {
  const Value* value = Find(input);
  return value != nullptr && std::holds_alternative<Rows>(*value);
}

bool NodeUse::IsFilled(size_t input) const {
  const Value* value = Find(input);
  return value != nullptr && std::holds_alternative<Filled>(*value);
}

absl::StatusOr<Rows> NodeUse::AnyRowsAt(size_t input) const {
  if (!Has(input)) return absl::InvalidArgumentError(absl::StrCat("it has no input ", input));
  const Value* value = Find(input);
  if (value == nullptr) {
    return Unknown(absl::StrCat("\"", base::Shown(node_.inputs[input]),
                                "\" is an output that is not imported"));
  }
  if (const Rows* rows = std::get_if<Rows>(value)) return *rows;
  return Unknown(absl::StrCat("input ", input, " is a constant here"));
}

absl::StatusOr<Rows> NodeUse::RowsAt(size_t input) const {
  ASSIGN_OR_RETURN(Rows rows, AnyRowsAt(input));
  if (rows.whole) return Unknown("it computes with whole numbers");
  if (rows.flipped != 0)
    return Unknown(
        "an axis of what it takes is turned round, as behind a layer that goes backwards");
  return rows;
}

const onnx::Constant* NodeUse::ConstantAt(size_t input) const {
  const Value* value = Find(input);
  if (value == nullptr) return nullptr;
  const auto* constant = std::get_if<const onnx::Constant*>(value);
  return constant == nullptr ? nullptr : *constant;
}

absl::StatusOr<const onnx::Constant*> NodeUse::FloatsAt(size_t input) const {
  const onnx::Constant* constant = ConstantAt(input);
  if (constant == nullptr || constant->floats() == nullptr)
    return Unknown(absl::StrCat("input ", input, " is no constant of floating point"));
  return constant;
}

absl::StatusOr<std::vector<int64_t>> NodeUse::IntegersAt(size_t input) const {
  const onnx::Constant* constant = ConstantAt(input);
  if (constant == nullptr || constant->integers() == nullptr)
    return Unknown(absl::StrCat("input ", input, " is no constant of whole numbers"));
  return *constant->integers();
}

std::optional<float> NodeUse::NumberAt(size_t input) const {
  const Value* value = Find(input);
  if (value == nullptr) return std::nullopt;
  if (const Filled* filled = std::get_if<Filled>(value)) return filled->value;
  const onnx::Constant* constant = ConstantAt(input);
  if (constant == nullptr || constant->floats() == nullptr || constant->size() != 1)
    return std::nullopt;
  return (*constant->floats())[0];
}

bool NodeUse::IsNothing(size_t input) const {
  if (!Has(input) || NumberAt(input) == std::optional<float>(0)) return true;
  const onnx::Constant* constant = ConstantAt(input);
  return constant != nullptr && constant->floats() != nullptr &&
         std::ranges::all_of(*constant->floats(), [](float value) { return value == 0; });
}

int64_t NodeUse::Integer(const char* name, int64_t fallback) const {
  return AttributeOf(node_, name, fallback);
}
float NodeUse::Float(const char* name, float fallback) const {
  return AttributeOf(node_, name, fallback);
}
std::string NodeUse::Text(const char* name, const char* fallback) const {
  return AttributeOf(node_, name, std::string(fallback));
}
std::vector<int64_t> NodeUse::Integers(const char* name, std::vector<int64_t> fallback) const {
  return AttributeOf(node_, name, std::move(fallback));
}
std::vector<std::string> NodeUse::Texts(const char* name) const {
  return AttributeOf(node_, name, std::vector<std::string>());
}
std::vector<float> NodeUse::Floats(const char* name) const {
  return AttributeOf(node_, name, std::vector<float>());
}

bool NodeUse::Wanted(size_t output) const {
  return output < node_.outputs.size() && values_.uses(node_.outputs[output]) > 0;
}

absl::Status NodeUse::Give(Rows rows, size_t output) {
  if (output < node_.outputs.size()) values_.Give(node_.outputs[output], std::move(rows));
  return absl::OkStatus();
}

absl::Status NodeUse::Give(onnx::Constant constant) {
  RETURN_IF_ERROR(network_.TakeValues(static_cast<int64_t>(constant.size())));
  if (!node_.outputs.empty()) values_.Give(node_.outputs[0], values_.Keep(std::move(constant)));
  return absl::OkStatus();
}

absl::Status NodeUse::Give(Filled filled) {
  if (!node_.outputs.empty()) values_.Give(node_.outputs[0], std::move(filled));
  return absl::OkStatus();
}

absl::Status NodeUse::Pass(size_t input) {
  const Value* value = Find(input);
  if (value == nullptr) return AnyRowsAt(input).status();
  if (!node_.outputs.empty()) values_.Give(node_.outputs[0], Value(*value));
  return absl::OkStatus();
}

// PyTorch's "layer1.0.conv1" is "/layer1/layer1.0/conv1/Conv".
std::string NodeUse::layer_name() const {
  std::vector<std::string> parts = absl::StrSplit(node_.name, '/', absl::SkipEmpty());
  if (parts.size() > 1 && parts.back().starts_with(node_.op)) parts.pop_back();
  std::vector<std::string> kept;
  for (std::string& part : parts) {
    // One that repeats the one before it takes its place.
    if (!kept.empty() && part.starts_with(kept.back() + ".")) kept.pop_back();
    kept.push_back(std::move(part));
  }
  return absl::StrJoin(kept, ".");
}

absl::StatusOr<int> NodeUse::Add(v1::Layer spec, std::vector<int> inputs,
                                 std::vector<GivenWeight> weights) {
  for (const GivenWeight& weight : weights)
    RETURN_IF_ERROR(network_.TakeValues(static_cast<int64_t>(weight.values.size())));
  return network_.Add(std::move(spec), std::move(inputs), std::move(weights), layer_name());
}

absl::Status NodeUse::Unknown(absl::string_view what) { return absl::UnimplementedError(what); }

double Plain(float value) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  double plain = value;
  std::from_chars(text.data(), written.ptr, plain);
  return plain;
}

}  // namespace gradus::onnx_import
