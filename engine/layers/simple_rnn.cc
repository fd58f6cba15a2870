// SPDX-License-Identifier: Apache-2.0
// SimpleRnn: a dense layer that sees its own last output.
#include "engine/layers/recurrent.h"
#include "engine/layers/recurrent_onnx.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) { return CheckRecurrent(*layer.mutable_simple_rnn()); }

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  return InferRecurrent(layer.simple_rnn(), inputs[0]);
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  return RecurrentWeights(layer.simple_rnn(), inputs[0], 1, {layer.simple_rnn().units()});
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::SimpleRnn& spec = layer.simple_rnn();
  return RecurrentChain(kernels::MakePlainRecurrence(RecurrenceOf(spec, inputs[0])),
                        spec.use_bias());
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const v1::SimpleRnn& spec = layer.simple_rnn();
  return PassThrough(spec, shapes[0], inputs[0],
                     [&](std::span<const double> x, std::vector<double>& h) {
                       std::vector<double> sum = RowTimes(x, weights[0], h.size());
                       AddPart(sum, RowTimes(h, weights[1], h.size()));
                       if (spec.use_bias()) AddPart(sum, weights[2]);
                       h = PartOf(spec.activation(), sum, 0, h.size());
                     });
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const v1::SimpleRnn& spec = use.spec.simple_rnn();
  return WriteRecurrence(use,
                         {.op = "RNN",
                          .units = spec.units(),
                          .sequences = spec.return_sequences(),
                          .backwards = spec.go_backwards(),
                          .gates = {0},
                          .functions = {&spec.activation()}},
                         model);
}

v1::Layer Make(int64_t units, bool use_bias, bool sequences, bool backwards) {
  v1::Layer layer;
  v1::SimpleRnn& spec = *layer.mutable_simple_rnn();
  spec.set_units(units);
  spec.set_use_bias(use_bias);
  spec.set_return_sequences(sequences);
  spec.set_go_backwards(backwards);
  return layer;
}

std::vector<Sample> Samples() {
  std::vector<Sample> samples = {{Make(5, true, false, false), {{6, 5}}},
                                 {Make(17, true, true, true), {{3, 7}}},
                                 {Make(33, false, false, true), {{9, 20}}},
                                 {Make(4, true, true, false), {{3, 2}}},
                                 {Make(1, true, true, false), {{1, 1}}}};
  samples[3].spec.mutable_simple_rnn()->mutable_activation()->mutable_relu();
  samples[4].spec.mutable_simple_rnn()->mutable_activation()->mutable_linear();
  return samples;
}

}  // namespace

extern const LayerKind simple_rnn_kind;
constinit const LayerKind simple_rnn_kind = {
    .field = v1::Layer::kSimpleRnn,
    .documentation =
        "h = activation(x * kernel + h * recurrent_kernel + bias) along a sequence (steps, "
        "channels); kernel is (channels, units), recurrent_kernel (units, units).",
    .source = "Elman 1990; Keras, SimpleRNN",
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
