// SPDX-License-Identifier: Apache-2.0
// Bidirectional: a recurrent layer through a sequence, and another one like it the other way.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/two_ways.h"
#include "engine/layers/extents.h"
#include "engine/layers/kind.h"
#include "engine/layers/recurrent_onnx.h"

namespace gradus::layers {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The member of the only oneof `kind` that is set, or null.
const FieldDescriptor* KindOf(const Message& message) {
  return message.GetReflection()->GetOneofFieldDescriptor(
      message, message.GetDescriptor()->FindOneofByName("kind"));
}
Message* SettingsOf(Message& message, const std::string& word) {
  return message.GetReflection()->MutableMessage(&message,
                                                 message.GetDescriptor()->FindFieldByName(word));
}

// The same settings as a layer of its own; `back`: the one that goes the other way.
v1::Layer LayerOf(v1::RecurrentLayer spec, bool back) {
  const std::string word = KindOf(spec)->name();
  v1::Layer layer;
  Message& settings = *SettingsOf(layer, word);
  settings.CopyFrom(*SettingsOf(spec, word));
  const FieldDescriptor* direction = settings.GetDescriptor()->FindFieldByName("go_backwards");
  const auto* reflection = settings.GetReflection();
  if (back) reflection->SetBool(&settings, direction, !reflection->GetBool(settings, direction));
  return layer;
}

// A layer of its own for each way.
struct Ways {
  v1::Layer there;
  v1::Layer back;
  const LayerKind& kind;
  explicit Ways(const v1::Layer& layer)
      : there(LayerOf(layer.bidirectional().layer(), false)),
        back(LayerOf(layer.bidirectional().layer(), true)),
        kind(*Find(there)) {}
};

absl::Status Check(v1::Layer& layer) {
  v1::Bidirectional& spec = *layer.mutable_bidirectional();
  if (KindOf(spec.layer()) == nullptr)
    return base::InvalidArgument("layer", "nothing", "a recurrent layer");
  const std::string word = KindOf(spec.layer())->name();
  v1::Layer there = LayerOf(spec.layer(), false);
  RETURN_IF_ERROR(base::InField(base::InField(Find(there)->check(there), word), "layer"));
  SettingsOf(*spec.mutable_layer(), word)->CopyFrom(*SettingsOf(there, word));
  if (spec.merge_mode() == v1::Bidirectional::MERGE_MODE_UNSPECIFIED)
    spec.set_merge_mode(v1::Bidirectional::CONCAT);
  if (!v1::Bidirectional::MergeMode_IsValid(spec.merge_mode())) {
    return base::InvalidArgument("merge_mode", absl::StrCat(spec.merge_mode()),
                                 "CONCAT, SUM, MUL or AVE");
  }
  return absl::OkStatus();
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  const Ways ways(layer);
  ASSIGN_OR_RETURN(Shape shape, ways.kind.infer(ways.there, inputs));
  if (layer.bidirectional().merge_mode() == v1::Bidirectional::CONCAT) shape.back() *= 2;
  return shape;
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const Ways ways(layer);
  std::vector<Weight> all;
  for (const char* way : {"forward_", "backward_"}) {
    for (Weight& weight : ways.kind.weights(ways.there, inputs)) {
      weight.name.insert(0, way);
      all.push_back(std::move(weight));
    }
  }
  return all;
}

kernels::Meeting MeetingOf(v1::Bidirectional::MergeMode mode) {
  switch (mode) {
    case v1::Bidirectional::SUM:
      return kernels::Meeting::kSum;
    case v1::Bidirectional::MUL:
      return kernels::Meeting::kProduct;
    case v1::Bidirectional::AVE:
      return kernels::Meeting::kMean;
    default:
      return kernels::Meeting::kSideBySide;
  }
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const Ways ways(layer);
  const Shape result = *ways.kind.infer(ways.there, inputs);
  Lowered there = std::move(ways.kind.lower(ways.there, inputs)[0]);
  Lowered back = std::move(ways.kind.lower(ways.back, inputs)[0]);
  const kernels::TwoWaysShape shape{.src_values = CountOf(inputs[0]),
                                    .steps = CountOf(result) / result.back(),
                                    .units = result.back(),
                                    .meeting = MeetingOf(layer.bidirectional().merge_mode())};
  std::vector<int> weights = there.weights;
  for (const int weight : back.weights)
    weights.push_back(weight + static_cast<int>(there.weights.size()));
  std::vector<Lowered> chain;
  chain.push_back(
      {kernels::MakeTwoWays(shape, std::move(there.operation), std::move(back.operation)),
       std::move(weights)});
  return chain;
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const Ways ways(layer);
  const size_t half = weights.size() / 2;
  const std::vector<double> there =
      ways.kind.reference(ways.there, shapes, inputs, weights.first(half));
  const std::vector<double> back =
      ways.kind.reference(ways.back, shapes, inputs, weights.subspan(half));
  const Shape shape = *ways.kind.infer(ways.there, shapes);
  const auto units = static_cast<size_t>(shape.back());
  const size_t steps = there.size() / units;
  std::vector<double> y;
  for (size_t t = 0; t < steps; ++t) {
    for (size_t i = 0; i < units; ++i) {
      const double a = there[t * units + i];
      const double b = back[(steps - 1 - t) * units + i];
      const auto mode = layer.bidirectional().merge_mode();
      y.push_back(mode == v1::Bidirectional::SUM   ? a + b
                  : mode == v1::Bidirectional::MUL ? a * b
                  : mode == v1::Bidirectional::AVE ? (a + b) / 2
                                                   : a);
    }
    if (layer.bidirectional().merge_mode() != v1::Bidirectional::CONCAT) continue;
    const auto begin = back.begin() + static_cast<std::ptrdiff_t>((steps - 1 - t) * units);
    y.insert(y.end(), begin, begin + static_cast<std::ptrdiff_t>(units));
  }
  return y;
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const Ways ways(use.spec);
  const size_t half = use.weights.size() / 2;
  ASSIGN_OR_RETURN(
      const onnx::Value there,
      ways.kind.onnx({ways.there, use.shapes, use.inputs, use.weights.first(half)}, model));
  ASSIGN_OR_RETURN(
      onnx::Value back,
      ways.kind.onnx({ways.back, use.shapes, use.inputs, use.weights.subspan(half)}, model));
  ASSIGN_OR_RETURN(const Shape shape, ways.kind.infer(ways.there, use.shapes));
  if (shape.size() > 1) back = StepsReversed(back, shape[0], model);
  switch (use.spec.bidirectional().merge_mode()) {
    case v1::Bidirectional::SUM:
      return model.Node("Add", {there, back});
    case v1::Bidirectional::MUL:
      return model.Node("Mul", {there, back});
    case v1::Bidirectional::AVE:
      return model.Node("Mean", {there, back});
    default:
      return model.Node("Concat", {there, back}, {{"axis", int64_t{-1}}});
  }
}

Sample MakeSample(v1::Bidirectional::MergeMode mode, Shape input) {
  Sample sample;
  sample.spec.mutable_bidirectional()->set_merge_mode(mode);
  sample.inputs = {std::move(input)};
  return sample;
}

std::vector<Sample> Samples() {
  std::vector<Sample> samples = {
      MakeSample(v1::Bidirectional::CONCAT, {6, 5}), MakeSample(v1::Bidirectional::MUL, {3, 7}),
      MakeSample(v1::Bidirectional::SUM, {5, 3}), MakeSample(v1::Bidirectional::AVE, {4, 2}),
      MakeSample(v1::Bidirectional::CONCAT, {2, 9})};
  const auto at = [&](size_t i) {
    return samples[i].spec.mutable_bidirectional()->mutable_layer();
  };
  at(0)->mutable_lstm()->set_units(3);
  at(0)->mutable_lstm()->set_return_sequences(true);
  at(1)->mutable_gru()->set_units(9);
  at(1)->mutable_gru()->set_return_sequences(true);
  at(2)->mutable_simple_rnn()->set_units(4);
  at(2)->mutable_simple_rnn()->set_return_sequences(true);
  at(2)->mutable_simple_rnn()->set_go_backwards(true);
  at(3)->mutable_gru()->set_units(2);
  at(3)->mutable_gru()->set_reset_after(false);
  at(4)->mutable_simple_rnn()->set_units(17);
  at(4)->mutable_simple_rnn()->set_use_bias(false);
  return samples;
}

}  // namespace

extern const LayerKind bidirectional_kind;
constinit const LayerKind bidirectional_kind = {
    .field = v1::Layer::kBidirectional,
    .documentation =
        "A recurrent layer and a second one that goes through the sequence the other way; outputs "
        "side by side, added, multiplied or averaged.",
    .source = "Schuster and Paliwal 1997; Keras, Bidirectional",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Infer,
    .weights = Weights,
    .lower = Lower,
    .reference = Reference,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
