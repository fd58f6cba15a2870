// SPDX-License-Identifier: Apache-2.0
// Dropout: values become 0 at random, in training.
#include "engine/kernels/noise.h"
#include "engine/layers/extents.h"
#include "engine/layers/settings.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& spec) {
  return CheckRate(spec.dropout().has_rate(), spec.dropout().rate());
}

std::vector<Lowered> Lower(const v1::Layer& spec, std::span<const Shape> inputs) {
  const int64_t values = CountOf(inputs[0]);
  const double rate = spec.dropout().rate();
  if (rate == 0) return OneLink(kernels::MakeView(values));
  const auto kept = rate == 1 ? 0.0F : static_cast<float>(1 / (1 - rate));
  return OneLink(kernels::MakeNoise({.name = "dropped",
                                     .purpose = base::RandomPurpose::kDropout,
                                     .factors = kernels::Chosen(rate, 0, kept),
                                     .summands = nullptr},
                                    1, values));
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_dropout()->set_rate(0.5);
  std::vector<Sample> samples = {
      {spec, {{1}}}, {spec, {{19}}}, {spec, {{3, 5}}}, {spec, {{2, 3, 17}}}};
  spec.mutable_dropout()->set_rate(0.1);
  samples.push_back({spec, {{2, 3, 17}}});
  return samples;
}

}  // namespace

extern const LayerKind dropout_kind;
constinit const LayerKind dropout_kind = {
    .field = v1::Layer::kDropout,
    .documentation =
        "In training sets values to 0 at random and scales the others so that the mean stays.",
    .source = "Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014; Keras, Dropout",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = SameShape,
    .weights = NoWeights,
    .lower = Lower,
    .reference = SameValues,
    .random = true,
    .onnx = SameOnnx,
    .samples = Samples,
};

}  // namespace gradus::layers
