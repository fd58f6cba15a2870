// SPDX-License-Identifier: Apache-2.0
// Embedding: a learned vector for each whole number.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/lookup.h"
#include "engine/layers/convolving.h"
#include "engine/layers/extents.h"
#include "engine/layers/kind.h"

namespace gradus::layers {
namespace {

// Whole numbers up to this are floats.
constexpr int64_t kMostEntries = 16'777'216;
constexpr int64_t kMostWidth = 1'048'576;
// Keras's range of start values.
constexpr double kStart = 0.05;

absl::Status CheckNumber(absl::string_view path, int64_t value, int64_t most) {
  if (value >= 1 && value <= most) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value),
                               absl::StrCat("a number from 1 to ", most));
}

void SmallUniform(v1::Initializer& initializer) {
  initializer.mutable_random_uniform()->set_minval(-kStart);
  initializer.mutable_random_uniform()->set_maxval(kStart);
}

absl::Status Check(v1::Layer& layer) {
  v1::Embedding& spec = *layer.mutable_embedding();
  RETURN_IF_ERROR(CheckNumber("input_dim", spec.input_dim(), kMostEntries));
  RETURN_IF_ERROR(CheckNumber("output_dim", spec.output_dim(), kMostWidth));
  FillInitializer(spec.mutable_embeddings_initializer(), SmallUniform);
  return absl::OkStatus();
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  Shape shape = inputs[0];
  shape.push_back(layer.embedding().output_dim());
  return shape;
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape>) {
  const v1::Embedding& spec = layer.embedding();
  return {{.name = "embeddings",
           .shape = {spec.input_dim(), spec.output_dim()},
           .initializer = spec.embeddings_initializer(),
           .fan_in = spec.input_dim(),
           .fan_out = spec.output_dim()}};
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Embedding& spec = layer.embedding();
  std::vector<Lowered> chain;
  chain.push_back(
      {kernels::MakeLookup(spec.input_dim(), spec.output_dim(), CountOf(inputs[0])), {0}});
  return chain;
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape>,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const v1::Embedding& spec = layer.embedding();
  std::vector<double> y;
  for (const double x : inputs[0]) {
    const bool known = x >= 0 && x < static_cast<double>(spec.input_dim());
    for (int64_t i = 0; i < spec.output_dim(); ++i) {
      const int64_t at = known ? static_cast<int64_t>(x) * spec.output_dim() + i : 0;
      y.push_back(known ? weights[0][static_cast<size_t>(at)] : std::nan(""));
    }
  }
  return y;
}

// A number that is none of the table's is an error there.
absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  constexpr int64_t kWhole = 7;  // TensorProto.INT64
  const onnx::Value rows = model.Node("Cast", {use.inputs[0]}, {{"to", kWhole}});
  return model.Node("Gather", {model.Constant(use.weights[0]), rows});
}

v1::Layer Make(int64_t input_dim, int64_t output_dim) {
  v1::Layer layer;
  layer.mutable_embedding()->set_input_dim(input_dim);
  layer.mutable_embedding()->set_output_dim(output_dim);
  return layer;
}

std::vector<Sample> Samples() {
  return {{Make(7, 5), {{6}}, 7},
          {Make(50, 33), {{3, 2}}, 50},
          {Make(1, 1), {{1}}, 1},
          {Make(3, 40), {{5}}, 3}};
}

}  // namespace

extern const LayerKind embedding_kind;
constinit const LayerKind embedding_kind = {
    .field = v1::Layer::kEmbedding,
    .documentation =
        "The row of a learned table (input_dim, output_dim) that each value, a whole number, "
        "names; "
        "one more axis at the end.",
    .source = "Keras, Embedding",
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
