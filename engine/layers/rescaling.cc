// SPDX-License-Identifier: Apache-2.0
// Rescaling: x * scale + offset.
#include "engine/kernels/rescaling.h"
#include "engine/base/status.h"
#include "engine/layers/extents.h"
#include "engine/layers/settings.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::Rescaling& spec = *layer.mutable_rescaling();
  if (!spec.has_scale()) return base::InvalidArgument("scale", "nothing", "a number");
  RETURN_IF_ERROR(CheckFloat("scale", spec.scale()));
  if (!spec.has_offset()) spec.set_offset(0);
  return CheckFloat("offset", spec.offset());
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Rescaling& spec = layer.rescaling();
  return OneLink(kernels::MakeRescaling(CountOf(inputs[0]), static_cast<float>(spec.scale()),
                                        static_cast<float>(spec.offset())));
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape>,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  std::vector<double> result = inputs[0];
  for (double& value : result)
    value = value * layer.rescaling().scale() + layer.rescaling().offset();
  return result;
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const v1::Rescaling& spec = use.spec.rescaling();
  const onnx::Value scaled =
      model.Node("Mul", {use.inputs[0], model.Scalar("scale", spec.scale())});
  return model.Node("Add", {scaled, model.Scalar("offset", spec.offset())});
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_rescaling()->set_scale(0.5);
  std::vector<Sample> samples = {{spec, {{1}}}, {spec, {{3, 19}}}};
  spec.mutable_rescaling()->set_offset(-1.25);
  samples.push_back({spec, {{33}}});
  return samples;
}

}  // namespace

extern const LayerKind rescaling_kind;
constinit const LayerKind rescaling_kind = {
    .field = v1::Layer::kRescaling,
    .documentation = "x * scale + offset.",
    .source = "Keras, Rescaling",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = SameShape,
    .weights = NoWeights,
    .lower = Lower,
    .reference = Reference,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
