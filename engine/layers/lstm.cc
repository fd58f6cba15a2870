// SPDX-License-Identifier: Apache-2.0
// Lstm: long short-term memory.
#include "engine/layers/recurrent.h"
#include "engine/layers/recurrent_onnx.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::Lstm& spec = *layer.mutable_lstm();
  if (!spec.has_unit_forget_bias()) spec.set_unit_forget_bias(true);
  return CheckGated(spec);
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  return InferRecurrent(layer.lstm(), inputs[0]);
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Lstm& spec = layer.lstm();
  std::vector<Weight> weights = RecurrentWeights(spec, inputs[0], 4, {4 * spec.units()});
  if (spec.use_bias() && spec.unit_forget_bias()) {
    weights.back().ones_from = spec.units();
    weights.back().ones_to = 2 * spec.units();
  }
  return weights;
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Lstm& spec = layer.lstm();
  kernels::RecurrenceShape shape = RecurrenceOf(spec, inputs[0]);
  shape.gates = StepFunction(spec.recurrent_activation());
  return RecurrentChain(kernels::MakeLstm(shape), spec.use_bias());
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const v1::Lstm& spec = layer.lstm();
  const auto units = static_cast<size_t>(spec.units());
  std::vector<double> c(units, 0);
  return PassThrough(spec, shapes[0], inputs[0],
                     [&](std::span<const double> x, std::vector<double>& h) {
                       std::vector<double> sum = RowTimes(x, weights[0], 4 * units);
                       AddPart(sum, RowTimes(h, weights[1], 4 * units));
                       if (spec.use_bias()) AddPart(sum, weights[2]);
                       const auto i = PartOf(spec.recurrent_activation(), sum, 0, units);
                       const auto f = PartOf(spec.recurrent_activation(), sum, 1, units);
                       const auto g = PartOf(spec.activation(), sum, 2, units);
                       const auto o = PartOf(spec.recurrent_activation(), sum, 3, units);
                       for (size_t k = 0; k < units; ++k) c[k] = f[k] * c[k] + i[k] * g[k];
                       const auto after = PartOf(spec.activation(), c, 0, units);
                       for (size_t k = 0; k < units; ++k) h[k] = o[k] * after[k];
                     });
}

// ONNX has i, o, f, g.
absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const v1::Lstm& spec = use.spec.lstm();
  return WriteRecurrence(
      use,
      {.op = "LSTM",
       .units = spec.units(),
       .sequences = spec.return_sequences(),
       .backwards = spec.go_backwards(),
       .gates = {0, 3, 1, 2},
       .functions = {&spec.recurrent_activation(), &spec.activation(), &spec.activation()}},
      model);
}

v1::Layer Make(int64_t units, bool use_bias, bool sequences, bool backwards) {
  v1::Layer layer;
  v1::Lstm& spec = *layer.mutable_lstm();
  spec.set_units(units);
  spec.set_use_bias(use_bias);
  spec.set_return_sequences(sequences);
  spec.set_go_backwards(backwards);
  return layer;
}

std::vector<Sample> Samples() {
  std::vector<Sample> samples = {{Make(5, true, false, false), {{6, 5}}},
                                 {Make(17, true, true, true), {{3, 7}}},
                                 {Make(9, false, false, true), {{4, 20}}},
                                 {Make(1, true, true, false), {{1, 1}}}};
  samples[3].spec.mutable_lstm()->mutable_activation()->mutable_relu();
  samples[3].spec.mutable_lstm()->mutable_recurrent_activation()->mutable_linear();
  return samples;
}

}  // namespace

extern const LayerKind lstm_kind;
constinit const LayerKind lstm_kind = {
    .field = v1::Layer::kLstm,
    .documentation =
        "c = f c + i g, h = o activation(c) along a sequence (steps, channels), with gates i, f, o "
        "and g of x and h; kernel is (channels, 4 units), recurrent_kernel (units, 4 units), in "
        "the "
        "order i, f, g, o.",
    .source = "Hochreiter and Schmidhuber 1997; Gers et al. 2000; Keras, LSTM",
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
