// SPDX-License-Identifier: Apache-2.0
// Gru: gated recurrent units.
#include "engine/layers/recurrent.h"
#include "engine/layers/recurrent_onnx.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::Gru& spec = *layer.mutable_gru();
  if (!spec.has_reset_after()) spec.set_reset_after(true);
  return CheckGated(spec);
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  return InferRecurrent(layer.gru(), inputs[0]);
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Gru& spec = layer.gru();
  const Shape bias = spec.reset_after() ? Shape{2, 3 * spec.units()} : Shape{3 * spec.units()};
  return RecurrentWeights(spec, inputs[0], 3, bias);
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Gru& spec = layer.gru();
  kernels::RecurrenceShape shape = RecurrenceOf(spec, inputs[0]);
  shape.gates = StepFunction(spec.recurrent_activation());
  return RecurrentChain(kernels::MakeGru(shape, spec.reset_after()), spec.use_bias());
}

// The part of g that r acts on: r * (h U + b), or (r * h) U; U's last third.
std::vector<double> Recalled(const v1::Gru& spec, std::span<const std::vector<double>> weights,
                             const std::vector<double>& h, const std::vector<double>& r) {
  const size_t units = h.size();
  std::vector<double> result(units, 0);
  for (size_t k = 0; k < units; ++k) {
    for (size_t i = 0; i < units; ++i)
      result[k] +=
          (spec.reset_after() ? h[i] : r[i] * h[i]) * weights[1][i * 3 * units + 2 * units + k];
    if (!spec.reset_after()) continue;
    if (spec.use_bias()) result[k] += weights[2][5 * units + k];
    result[k] *= r[k];
  }
  return result;
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const v1::Gru& spec = layer.gru();
  const auto units = static_cast<size_t>(spec.units());
  return PassThrough(spec, shapes[0], inputs[0],
                     [&](std::span<const double> x, std::vector<double>& h) {
                       std::vector<double> of_x = RowTimes(x, weights[0], 3 * units);
                       if (spec.use_bias()) AddPart(of_x, weights[2]);
                       std::vector<double> sum = RowTimes(h, weights[1], 3 * units);
                       if (spec.use_bias() && spec.reset_after()) AddPart(sum, weights[2], 1);
                       AddPart(sum, of_x);
                       const auto z = PartOf(spec.recurrent_activation(), sum, 0, units);
                       const auto r = PartOf(spec.recurrent_activation(), sum, 1, units);
                       std::vector<double> g = Recalled(spec, weights, h, r);
                       AddPart(g, of_x, 2);
                       g = PartOf(spec.activation(), g, 0, units);
                       for (size_t k = 0; k < units; ++k) h[k] = z[k] * h[k] + (1 - z[k]) * g[k];
                     });
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const v1::Gru& spec = use.spec.gru();
  return WriteRecurrence(
      use,
      {.op = "GRU",
       .units = spec.units(),
       .sequences = spec.return_sequences(),
       .backwards = spec.go_backwards(),
       .gates = {0, 1, 2},
       .functions = {&spec.recurrent_activation(), &spec.activation()},
       .two_biases = spec.reset_after(),
       .settings = {{"linear_before_reset", int64_t{spec.reset_after() ? 1 : 0}}}},
      model);
}

v1::Layer Make(int64_t units, bool reset_after, bool use_bias, bool sequences, bool backwards) {
  v1::Layer layer;
  v1::Gru& spec = *layer.mutable_gru();
  spec.set_units(units);
  spec.set_reset_after(reset_after);
  spec.set_use_bias(use_bias);
  spec.set_return_sequences(sequences);
  spec.set_go_backwards(backwards);
  return layer;
}

std::vector<Sample> Samples() {
  std::vector<Sample> samples = {{Make(5, true, true, false, false), {{6, 5}}},
                                 {Make(5, false, true, false, false), {{6, 5}}},
                                 {Make(17, true, false, true, true), {{3, 7}}},
                                 {Make(17, false, true, true, true), {{3, 7}}},
                                 {Make(3, false, false, true, false), {{4, 2}}},
                                 {Make(1, true, true, true, false), {{1, 1}}}};
  samples[5].spec.mutable_gru()->mutable_activation()->mutable_linear();
  samples[5].spec.mutable_gru()->mutable_recurrent_activation()->mutable_tanh();
  return samples;
}

}  // namespace

extern const LayerKind gru_kind;
constinit const LayerKind gru_kind = {
    .field = v1::Layer::kGru,
    .documentation =
        "h = z h + (1 - z) g along a sequence (steps, channels), with gates z, r and g of x and h; "
        "kernel is (channels, 3 units), recurrent_kernel (units, 3 units), in the order z, r, g.",
    .source = "Cho et al. 2014, v1 (reset_after) and v3; Keras, GRU",
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
