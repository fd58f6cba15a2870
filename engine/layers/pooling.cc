// SPDX-License-Identifier: Apache-2.0
// What layers that pool have in common.
#include "engine/layers/pooling.h"

#include <array>
#include <numeric>

#include "engine/base/status.h"
#include "engine/layers/convolving.h"
#include "engine/layers/convolving_onnx.h"
#include "google/protobuf/message.h"

namespace gradus::layers {
namespace {

using Axes = std::array<kernels::ConvolutionAxis, 2>;

constexpr int64_t kOne[] = {1, 1};

// The message that is set in the layer's oneof, or null where it is another one.
template <typename Message>
Message* SettingsOf(v1::Layer& layer) {
  const google::protobuf::Reflection& reflection = *layer.GetReflection();
  const google::protobuf::FieldDescriptor* field =
      reflection.GetOneofFieldDescriptor(layer, v1::Layer::descriptor()->FindOneofByName("kind"));
  return dynamic_cast<Message*>(reflection.MutableMessage(&layer, field));
}
template <typename Message>
const Message* SettingsOf(const v1::Layer& layer) {
  const google::protobuf::Reflection& reflection = *layer.GetReflection();
  const google::protobuf::FieldDescriptor* field =
      reflection.GetOneofFieldDescriptor(layer, v1::Layer::descriptor()->FindOneofByName("kind"));
  return dynamic_cast<const Message*>(&reflection.GetMessage(layer, field));
}

// One window over everything.
Axes Everything(const Image& image) {
  Axes axes;
  axes[0] = {.src = image.height, .dst = 1, .kernel = image.height, .stride = 1};
  axes[1] = {.src = image.width, .dst = 1, .kernel = image.width, .stride = 1};
  return axes;
}

absl::StatusOr<Axes> AxesOfLayer(const v1::Layer& layer, const Shape& input) {
  if (const auto* spec = SettingsOf<v1::Pooling1d>(layer); spec != nullptr) {
    RETURN_IF_ERROR(CheckSequence(input));
    return AxesOf(ImageOf(input), {Window{}, Window{spec->pool_size(), spec->strides(), 1}},
                  spec->padding());
  }
  if (const auto* spec = SettingsOf<v1::Pooling2d>(layer); spec != nullptr) {
    RETURN_IF_ERROR(CheckImage(input));
    return AxesOf(ImageOf(input),
                  WindowsOf(Numbers(spec->pool_size()), Numbers(spec->strides()), kOne),
                  spec->padding());
  }
  return Everything(ImageOf(input));
}

Shape GlobalShape(const v1::Layer& layer, const Shape& input) {
  if (!SettingsOf<v1::GlobalPooling>(layer)->keepdims()) return {input.back()};
  Shape shape(input.size(), 1);
  shape.back() = input.back();
  return shape;
}

}  // namespace

absl::Status CheckPooling1d(v1::Layer& layer) {
  v1::Pooling1d& spec = *SettingsOf<v1::Pooling1d>(layer);
  if (!spec.has_pool_size()) spec.set_pool_size(2);
  if (!spec.has_strides()) spec.set_strides(spec.pool_size());
  RETURN_IF_ERROR(CheckExtent("pool_size", spec.pool_size()));
  RETURN_IF_ERROR(CheckExtent("strides", spec.strides()));
  ASSIGN_OR_RETURN(const v1::Padding padding, CheckPadding(spec.padding(), false));
  spec.set_padding(padding);
  return absl::OkStatus();
}

absl::Status CheckPooling2d(v1::Layer& layer) {
  constexpr int64_t kTwo[] = {2};
  v1::Pooling2d& spec = *SettingsOf<v1::Pooling2d>(layer);
  RETURN_IF_ERROR(FillPair("pool_size", spec.mutable_pool_size(), kTwo));
  RETURN_IF_ERROR(FillPair("strides", spec.mutable_strides(), Numbers(spec.pool_size())));
  ASSIGN_OR_RETURN(const v1::Padding padding, CheckPadding(spec.padding(), false));
  spec.set_padding(padding);
  return absl::OkStatus();
}

absl::Status CheckGlobalPooling(v1::Layer& layer) {
  v1::GlobalPooling& spec = *SettingsOf<v1::GlobalPooling>(layer);
  if (!spec.has_keepdims()) spec.set_keepdims(false);
  return absl::OkStatus();
}

absl::StatusOr<Shape> InferPooling(const v1::Layer& layer, std::span<const Shape> inputs) {
  ASSIGN_OR_RETURN(const Axes axes, AxesOfLayer(layer, inputs[0]));
  Shape shape = {axes[0].dst, axes[1].dst, inputs[0].back()};
  if (inputs[0].size() == 2) shape.erase(shape.begin());
  return shape;
}

absl::StatusOr<Shape> InferGlobalPooling1d(const v1::Layer& layer, std::span<const Shape> inputs) {
  RETURN_IF_ERROR(CheckSequence(inputs[0]));
  return GlobalShape(layer, inputs[0]);
}

absl::StatusOr<Shape> InferGlobalPooling2d(const v1::Layer& layer, std::span<const Shape> inputs) {
  RETURN_IF_ERROR(CheckImage(inputs[0]));
  return GlobalShape(layer, inputs[0]);
}

std::vector<Lowered> LowerPooling(const v1::Layer& layer, std::span<const Shape> inputs,
                                  kernels::Pool pool) {
  std::vector<Lowered> chain;
  chain.push_back(
      {kernels::MakePooling(pool, AxesOfLayer(layer, inputs[0]).value(), inputs[0].back()), {}});
  return chain;
}

std::vector<double> PoolingReference(const v1::Layer& layer, std::span<const Shape> shapes,
                                     std::span<const std::vector<double>> inputs,
                                     kernels::Pool pool) {
  return PoolReference(AxesOfLayer(layer, shapes[0]).value(), shapes[0].back(),
                       pool == kernels::Pool::kMax, inputs[0]);
}

absl::StatusOr<onnx::Value> PoolingOnnx(const OnnxUse& use, onnx::ModelWriter& model,
                                        kernels::Pool pool) {
  ASSIGN_OR_RETURN(const Axes axes, AxesOfLayer(use.spec, use.shapes[0]));
  return WritePool(pool == kernels::Pool::kMax ? "MaxPool" : "AveragePool", use, axes, model);
}

absl::StatusOr<onnx::Value> GlobalPoolingOnnx(const OnnxUse& use, onnx::ModelWriter& model,
                                              kernels::Pool pool) {
  std::vector<int64_t> positions(use.shapes[0].size() - 1);
  std::iota(positions.begin(), positions.end(), 1);
  const bool kept = SettingsOf<v1::GlobalPooling>(use.spec)->keepdims();
  return model.Node(pool == kernels::Pool::kMax ? "ReduceMax" : "ReduceMean", {use.inputs[0]},
                    {{"axes", std::move(positions)}, {"keepdims", int64_t{kept ? 1 : 0}}});
}

std::vector<Sample> Pooling1dSamples(v1::Pooling1d* (*make)(v1::Layer& layer)) {
  v1::Layer plain;
  make(plain);
  v1::Layer padded;
  v1::Pooling1d& spec = *make(padded);
  spec.set_pool_size(3);
  spec.set_strides(2);
  spec.set_padding(v1::SAME);
  return {{plain, {{6, 3}}}, {padded, {{7, 17}}}, {padded, {{1, 1}}}};
}

std::vector<Sample> Pooling2dSamples(v1::Pooling2d* (*make)(v1::Layer& layer)) {
  v1::Layer plain;
  make(plain);
  v1::Layer padded;
  v1::Pooling2d& spec = *make(padded);
  spec.add_pool_size(3);
  spec.add_pool_size(2);
  spec.add_strides(2);
  spec.set_padding(v1::SAME);
  return {{plain, {{4, 5, 3}}}, {padded, {{5, 4, 17}}}, {padded, {{1, 1, 1}}}};
}

std::vector<Sample> GlobalPoolingSamples(v1::GlobalPooling* (*make)(v1::Layer& layer),
                                         bool images) {
  v1::Layer plain;
  make(plain);
  v1::Layer kept;
  make(kept)->set_keepdims(true);
  if (images) return {{plain, {{4, 3, 3}}}, {kept, {{1, 2, 17}}}};
  return {{plain, {{5, 3}}}, {kept, {{1, 17}}}};
}

}  // namespace gradus::layers
