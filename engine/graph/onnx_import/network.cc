// SPDX-License-Identifier: Apache-2.0
// A model in the making.
#include "engine/graph/onnx_import/network.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/layers/extents.h"
#include "engine/layers/kind.h"

namespace gradus::onnx_import {
namespace {

using google::protobuf::FieldDescriptor;

// That of a model with one.
constexpr char kInputName[] = "input";
// What makes a name one of its own.
constexpr char kLongestSuffix[] = "_100000";
// Those that lead nowhere included; a graph has fewer.
constexpr size_t kMostLayers = 50'000;

const FieldDescriptor* SettingsField(const v1::Layer& spec) {
  return v1::Layer::descriptor()->FindFieldByNumber(spec.kind_case());
}

absl::Status CheckRow(const Shape& shape) {
  const int64_t most = graph::Limits().max_row_values;
  int64_t values = 1;
  for (const int64_t extent : shape) {
    if (extent < 1 || __builtin_mul_overflow(values, extent, &values) || values > most) {
      return absl::InvalidArgumentError(absl::StrCat("a row of shape ", layers::TextOf(shape),
                                                     " has not 1 to ", most, " values"));
    }
  }
  return absl::OkStatus();
}

// What two layers with the same weights have in common.
std::string KeyOf(const MadeLayer& made) {
  std::string key;
  for (const GivenWeight& weight : made.weights) {
    if (weight.from.empty()) return "";
    absl::StrAppend(&key, weight.name, "=", weight.from, ";");
  }
  return key.empty() ? "" : absl::StrCat(key, made.spec.SerializeAsString());
}

// One constant may have become several weights, turned or multiplied.
bool HasWeightsOf(const MadeLayer& made, const std::string& owner,
                  const std::map<std::string, std::vector<float>>& weights) {
  return std::ranges::all_of(made.weights, [&](const GivenWeight& weight) {
    const auto found = weights.find(absl::StrCat(owner, "/", weight.name));
    return found != weights.end() && found->second == weight.values;
  });
}

}  // namespace

const google::protobuf::Message& SettingsOf(const v1::Layer& spec) {
  return spec.GetReflection()->GetMessage(spec, SettingsField(spec));
}

google::protobuf::Message& MutableSettingsOf(v1::Layer& spec) {
  return *spec.GetReflection()->MutableMessage(&spec, SettingsField(spec));
}

absl::StatusOr<int> Network::AddInput(const std::string& name, Shape shape) {
  RETURN_IF_ERROR(CheckRow(shape));
  inputs_.push_back({.name = name, .shape = std::move(shape)});
  return graph::IndexOfInput(inputs_.size() - 1);
}

absl::StatusOr<int> Network::Add(v1::Layer spec, std::vector<int> inputs,
                                 std::vector<GivenWeight> weights, absl::string_view name) {
  MadeLayer made = {.spec = std::move(spec),
                    .name = std::string(name),
                    .inputs = std::move(inputs),
                    .shape = {},
                    .weights = std::move(weights)};
  RETURN_IF_ERROR(Fit(made));
  if (layers_.size() >= kMostLayers)
    return absl::InvalidArgumentError(
        absl::StrCat("it would have more than ", kMostLayers, " layers"));
  for (const int input : made.inputs)
    if (!graph::IsModelInput(input)) ++readers_[static_cast<size_t>(input)];
  layers_.push_back(std::move(made));
  readers_.push_back(0);
  return static_cast<int>(layers_.size()) - 1;
}

absl::Status Network::Change(int index, v1::Layer spec, std::vector<GivenWeight> weights) {
  MadeLayer& changed = layer(index);
  MadeLayer made = {.spec = std::move(spec),
                    .name = changed.name,
                    .inputs = changed.inputs,
                    .shape = {},
                    .weights = std::move(weights)};
  RETURN_IF_ERROR(Fit(made));
  changed = std::move(made);
  return absl::OkStatus();
}

// Finds the layer's shape, and compares its weights with what its kind takes.
absl::Status Network::Fit(MadeLayer& made) const {
  const layers::LayerKind& kind = *layers::Find(made.spec);
  const auto inputs = static_cast<int>(made.inputs.size());
  if (inputs < kind.min_inputs || inputs > kind.max_inputs) {
    return absl::InvalidArgumentError(
        absl::StrCat("a ", layers::Word(kind), " layer does not take ", inputs, " inputs"));
  }
  v1::Layer checked = made.spec;
  RETURN_IF_ERROR(base::InField(kind.check(checked), layers::Word(kind)));
  std::vector<Shape> shapes;
  for (const int input : made.inputs) shapes.push_back(shape_of(input));
  absl::StatusOr<Shape> shape = kind.infer(checked, shapes);
  RETURN_IF_ERROR(base::InField(shape.status(), layers::Word(kind)));
  made.shape = *std::move(shape);
  RETURN_IF_ERROR(base::InField(CheckRow(made.shape), layers::Word(kind)));
  const std::vector<layers::Weight> wanted = kind.weights(checked, shapes);
  for (size_t i = 0; i < std::max(wanted.size(), made.weights.size()); ++i) {
    const bool both = i < std::min(wanted.size(), made.weights.size());
    if (both && wanted[i].name == made.weights[i].name && wanted[i].shape == made.weights[i].shape)
      continue;
    return base::InvalidArgument(
        layers::Word(kind),
        i < made.weights.size() ? absl::StrCat("a ", made.weights[i].name, " of shape ",
                                               layers::TextOf(made.weights[i].shape))
                                : "nothing",
        i < wanted.size()
            ? absl::StrCat("a ", wanted[i].name, " of shape ", layers::TextOf(wanted[i].shape))
            : "a weight of it");
  }
  return absl::OkStatus();
}

bool Network::MayChange(const Rows& rows) const {
  return rows.alone && !graph::IsModelInput(rows.source) &&
         readers_[static_cast<size_t>(rows.source)] == 0;
}

const Shape& Network::shape_of(int source) const {
  return graph::IsModelInput(source) ? inputs_[graph::InputOfIndex(source)].shape
                                     : layer(source).shape;
}

const MadeLayer* Network::Find(int source) const {
  return graph::IsModelInput(source) ? nullptr : &layer(source);
}

absl::Status Network::TakeValues(int64_t count) {
  if (count > values_left_) {
    return absl::InvalidArgumentError(
        "it would have far more weights than the file has values; some are used by many nodes");
  }
  values_left_ -= count;
  return absl::OkStatus();
}

std::vector<bool> Network::Needed(std::span<const int> outputs) const {
  std::vector<bool> needed(layers_.size(), false);
  for (const int output : outputs) needed[static_cast<size_t>(output)] = true;
  for (size_t i = layers_.size(); i-- > 0;) {
    if (!needed[i]) continue;
    for (const int input : layers_[i].inputs)
      if (!graph::IsModelInput(input)) needed[static_cast<size_t>(input)] = true;
  }
  return needed;
}

// Names that are asked for first, so that the others keep out of their way.
std::vector<std::string> Network::Names(const std::vector<bool>& needed) const {
  std::set<std::string> taken = {kInputName};
  for (const graph::ModelInput& input : inputs_) taken.insert(input.name);
  std::vector<std::string> names(layers_.size());
  // From which number on a word may be free.
  std::map<std::string, int> next;
  const auto free_one = [&](const std::string& word) {
    std::string name = word;
    for (int& i = next[word]; !taken.insert(name).second; name = absl::StrCat(word, "_", i)) ++i;
    return name;
  };
  for (size_t i = 0; i < layers_.size(); ++i)
    if (needed[i] && !layers_[i].name.empty() && base::IsName(layers_[i].name + kLongestSuffix))
      names[i] = free_one(layers_[i].name);
  for (size_t i = 0; i < layers_.size(); ++i)
    if (needed[i] && names[i].empty())
      names[i] = free_one(layers::Word(*layers::Find(layers_[i].spec)));
  return names;
}

absl::StatusOr<Network::Finished> Network::Finish(std::span<const int> outputs) {
  const std::vector<bool> needed = Needed(outputs);
  const std::vector<std::string> names = Names(needed);
  const auto name_of = [&](int source) -> const std::string& {
    return graph::IsModelInput(source) ? inputs_[graph::InputOfIndex(source)].name
                                       : names[static_cast<size_t>(source)];
  };
  Finished result;
  if (inputs_.size() == 1) {
    result.spec.mutable_input_shape()->Assign(inputs_[0].shape.begin(), inputs_[0].shape.end());
    inputs_[0].name = kInputName;
  } else {
    for (const graph::ModelInput& input : inputs_) {
      v1::ModelInput& written = *result.spec.add_inputs();
      written.set_name(input.name);
      written.mutable_shape()->Assign(input.shape.begin(), input.shape.end());
    }
  }
  std::map<std::string, std::string> owners;
  // The layer before, or the only input.
  int before = graph::IndexOfInput(0);
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (!needed[i]) continue;
    MadeLayer& made = layers_[i];
    v1::Layer& written = *result.spec.add_layers();
    const std::string key = KeyOf(made);
    const auto owner = key.empty() ? owners.end() : owners.find(key);
    if (owner != owners.end() && HasWeightsOf(made, owner->second, result.weights)) {
      written.set_shares(owner->second);
    } else {
      if (!key.empty()) owners.emplace(key, names[i]);
      written = std::move(made.spec);
      for (GivenWeight& weight : made.weights)
        result.weights[absl::StrCat(names[i], "/", weight.name)] = std::move(weight.values);
    }
    written.set_name(names[i]);
    const bool first = result.spec.layers_size() == 1;
    if (made.inputs != std::vector<int>{before} || (first && inputs_.size() > 1))
      for (const int input : made.inputs) written.add_inputs(name_of(input));
    before = static_cast<int>(i);
  }
  if (outputs.size() > 1)
    for (const int output : outputs) result.spec.add_outputs(name_of(output));
  return result;
}

}  // namespace gradus::onnx_import
