// SPDX-License-Identifier: Apache-2.0
// Reshape: the same values in C order under another shape.
#include "absl/strings/str_cat.h"
#include "engine/base/checked.h"
#include "engine/base/status.h"
#include "engine/layers/extents.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

constexpr int kMostRank = 6;
constexpr int64_t kMostExtent = int64_t{1} << 24;
constexpr int64_t kLeft = -1;

// The product of the entries that are given. REQUIRES: Check.
absl::StatusOr<int64_t> GivenValues(const v1::Reshape& spec) {
  int64_t values = 1;
  for (const int64_t extent : spec.target_shape()) {
    if (extent == kLeft) continue;
    ASSIGN_OR_RETURN(values, base::CheckedMul(values, extent));
  }
  return values;
}

absl::Status Check(v1::Layer& layer) {
  const auto& target = layer.reshape().target_shape();
  if (target.empty() || target.size() > kMostRank)
    return base::InvalidArgument("target_shape", absl::StrCat(target.size(), " entries"),
                                 absl::StrCat("a shape of 1 to ", kMostRank, " entries"));
  bool left = false;
  for (int i = 0; i < target.size(); ++i) {
    const bool allowed = target[i] == kLeft ? !left : target[i] >= 1 && target[i] <= kMostExtent;
    if (!allowed) {
      return base::InvalidArgument(absl::StrCat("target_shape[", i, "]"), absl::StrCat(target[i]),
                                   absl::StrCat("a number from 1 to ", kMostExtent,
                                                ", or -1 in one place for what is left"));
    }
    left = left || target[i] == kLeft;
  }
  return base::InField(GivenValues(layer.reshape()).status(), "target_shape");
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  const auto& target = layer.reshape().target_shape();
  Shape shape(target.begin(), target.end());
  const int64_t values = CountOf(inputs[0]);
  ASSIGN_OR_RETURN(const int64_t given, GivenValues(layer.reshape()));
  bool fits = values % given == 0;
  bool left = false;
  for (int64_t& extent : shape) {
    if (extent != kLeft) continue;
    extent = values / given;
    left = true;
  }
  fits = fits && (left || given == values);
  if (fits) return shape;
  return base::InvalidArgument(
      "target_shape", TextOf(Shape(target.begin(), target.end())),
      absl::StrCat("a shape of the ", values, " values of an input of shape ", TextOf(inputs[0])));
}

std::vector<Lowered> Lower(const v1::Layer&, std::span<const Shape> inputs) {
  return OneLink(kernels::MakeView(CountOf(inputs[0])));
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  ASSIGN_OR_RETURN(const Shape shape, Infer(use.spec, use.shapes));
  return Reshaped(use.inputs[0], shape, model);
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_reshape()->add_target_shape(-1);
  std::vector<Sample> samples = {{spec, {{4, 3}}}, {spec, {{5}}}};
  spec.mutable_reshape()->add_target_shape(3);
  samples.push_back({spec, {{2, 3, 2}}});
  spec.mutable_reshape()->set_target_shape(0, 4);
  samples.push_back({spec, {{12}}});
  return samples;
}

}  // namespace

extern const LayerKind reshape_kind;
constinit const LayerKind reshape_kind = {
    .field = v1::Layer::kReshape,
    .documentation = "The same values in C order under another shape.",
    .source = "Keras, Reshape",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Infer,
    .weights = NoWeights,
    .lower = Lower,
    .reference = SameValues,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
