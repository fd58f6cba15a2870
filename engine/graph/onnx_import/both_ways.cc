// SPDX-License-Identifier: Apache-2.0
// A recurrent layer and another one that goes backwards, merged.
#include "engine/graph/onnx_import/both_ways.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::onnx_import {
namespace {

// That of a bidirectional layer; unspecified where it has none.
v1::Bidirectional::MergeMode ModeOf(const v1::Layer& merge) {
  switch (merge.kind_case()) {
    case v1::Layer::kConcatenate:
      return v1::Bidirectional::CONCAT;
    case v1::Layer::kAdd:
      return v1::Bidirectional::SUM;
    case v1::Layer::kMultiply:
      return v1::Bidirectional::MUL;
    case v1::Layer::kAverage:
      return v1::Bidirectional::AVE;
    default:
      return v1::Bidirectional::MERGE_MODE_UNSPECIFIED;
  }
}

// The layer as one of the two; false for a kind that cannot be.
bool SetRecurrent(const v1::Layer& spec, v1::RecurrentLayer& layer) {
  if (spec.has_lstm()) *layer.mutable_lstm() = spec.lstm();
  if (spec.has_gru()) *layer.mutable_gru() = spec.gru();
  if (spec.has_simple_rnn()) *layer.mutable_simple_rnn() = spec.simple_rnn();
  return layer.kind_case() != v1::RecurrentLayer::KIND_NOT_SET;
}

// The same layer the other way.
v1::Layer Turned(v1::Layer spec) {
  google::protobuf::Message& settings = MutableSettingsOf(spec);
  const auto* field = settings.GetDescriptor()->FindFieldByName("go_backwards");
  const auto* reflection = settings.GetReflection();
  if (reflection->GetBool(settings, field)) {
    reflection->ClearField(&settings, field);
  } else {
    reflection->SetBool(&settings, field, true);
  }
  return spec;
}

}  // namespace

absl::StatusOr<std::optional<Rows>> BothWays(NodeUse& use, std::span<const Rows> rows,
                                             const v1::Layer& merge) {
  const v1::Bidirectional::MergeMode mode = ModeOf(merge);
  Network& network = use.network();
  // Where it gives all steps, the second has them the other way round.
  if (mode == v1::Bidirectional::MERGE_MODE_UNSPECIFIED || rows.size() != 2 ||
      !network.MayChange(rows[0]) || !network.MayChange(rows[1]) || rows[0].axes != rows[1].axes ||
      rows[0].flipped != 0)
    return std::nullopt;
  const MadeLayer& there = network.layer(rows[0].source);
  const MadeLayer& back = network.layer(rows[1].source);
  v1::Layer layer;
  v1::Bidirectional& spec = *layer.mutable_bidirectional();
  if (there.inputs != back.inputs || !SetRecurrent(there.spec, *spec.mutable_layer()) ||
      Turned(there.spec).SerializeAsString() != back.spec.SerializeAsString() ||
      (there.shape.size() == 2) != (rows[1].flipped == 1))
    return std::nullopt;
  spec.set_merge_mode(mode);
  std::vector<GivenWeight> weights;
  for (const auto& [prefix, half] : {std::pair("forward_", &there), {"backward_", &back}}) {
    for (const GivenWeight& weight : half->weights) {
      weights.push_back(weight);
      weights.back().name.insert(0, prefix);
    }
  }
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), there.inputs, std::move(weights)));
  return Rows{.source = made, .axes = rows[0].axes};
}

}  // namespace gradus::onnx_import
