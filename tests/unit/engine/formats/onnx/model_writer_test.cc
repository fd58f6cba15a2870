// SPDX-License-Identifier: Apache-2.0
// What a ModelWriter writes is what ONNX's schema says.
#include "engine/formats/onnx/model_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/checker.h"
#include "onnx/onnx_pb.h"

namespace gradus::onnx {
namespace {

using ::testing::ElementsAre;

::onnx::ModelProto Read(ModelWriter& writer) {
  ::onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(writer.Finish().value()));
  EXPECT_NO_THROW(::onnx::checker::check_model(model));
  return model;
}

TEST(ModelWriter, NamesInputsAndOutputsAndLeavesTheBatchOpen) {
  ModelWriter writer("net");
  const int64_t shape[] = {2, 3};
  const Value x = writer.Input("pixels", shape);
  writer.BeginLayer("dense");
  writer.Output("dense", shape, writer.Node("Relu", {x}));
  const ::onnx::ModelProto model = Read(writer);
  EXPECT_EQ(model.graph().name(), "net");
  EXPECT_EQ(model.opset_import(0).version(), kOpset);
  EXPECT_EQ(model.graph().input(0).name(), "pixels");
  EXPECT_EQ(model.graph().output(0).name(), "dense");
  const auto& dims = model.graph().input(0).type().tensor_type().shape().dim();
  ASSERT_EQ(dims.size(), 3);
  EXPECT_EQ(dims[0].dim_param(), "N");
  EXPECT_EQ(dims[1].dim_value(), 2);
  EXPECT_EQ(dims[2].dim_value(), 3);
}

TEST(ModelWriter, WritesEachTypeOfAttribute) {
  ModelWriter writer("net");
  const int64_t shape[] = {2};
  const Value x = writer.Input("x", shape);
  writer.BeginLayer("layer");
  const Value y = writer.Node("LeakyRelu", {x}, {{"alpha", 0.5F}});
  writer.Output("layer", shape, writer.Node("Softmax", {y}, {{"axis", int64_t{-1}}}));
  const ::onnx::ModelProto model = Read(writer);
  EXPECT_EQ(model.graph().node(0).attribute(0).f(), 0.5F);
  EXPECT_EQ(model.graph().node(1).attribute(0).i(), -1);
}

TEST(ModelWriter, GivesNodesOfOneOperatorNamesOfTheirOwn) {
  ModelWriter writer("net");
  const int64_t shape[] = {2};
  const Value x = writer.Input("x", shape);
  writer.BeginLayer("layer");
  const Value y = writer.Node("Relu", {x});
  EXPECT_EQ(y, "layer/Relu");
  EXPECT_EQ(writer.Node("Relu", {y}), "layer/Relu_1");
}

TEST(ModelWriter, KeepsEqualConstantsOfOneNameOnce) {
  ModelWriter writer("net");
  const int64_t shape[] = {2};
  const Value x = writer.Input("x", shape);
  writer.BeginLayer("layer");
  const Tensor bias{"layer/bias", {2}, {1, 2}};
  const Value first = writer.Node("Add", {x, writer.Constant(bias)});
  EXPECT_EQ(writer.Constant(bias), "layer/bias");
  // Of the same name, but another one.
  const Value other = writer.Constant(Tensor{"layer/bias", {2}, {1, 3}});
  EXPECT_EQ(other, "layer/bias_1");
  const Value second = writer.Node("Add", {first, other});
  writer.Output("layer", shape, writer.Node("Add", {second, writer.Constant(bias)}));
  const ::onnx::ModelProto model = Read(writer);
  EXPECT_EQ(model.graph().initializer_size(), 2);
}

TEST(ModelWriter, LetsOneValueBeTwoOutputs) {
  ModelWriter writer("net");
  const int64_t shape[] = {2};
  const Value x = writer.Input("x", shape);
  writer.Output("one", shape, x);
  writer.Output("two", shape, x);
  EXPECT_EQ(Read(writer).graph().output_size(), 2);
}

TEST(ModelWriter, ReachesALaterOutputOfANode) {
  ModelWriter writer("net");
  const int64_t shape[] = {2};
  const Value x = writer.Input("x", shape);
  writer.BeginLayer("layer");
  EXPECT_EQ(writer.Node("LSTM", {x}, {}, 1), "layer/LSTM");
  ::onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(writer.Finish().value()));
  EXPECT_THAT(model.graph().node(0).output(), ElementsAre("", "layer/LSTM"));
}

TEST(Tensors, ArePermuted) {
  const Tensor tensor{"t", {2, 3}, {1, 2, 3, 4, 5, 6}};
  const Tensor turned = Permuted(tensor, {1, 0});
  EXPECT_EQ(turned.name, "t");
  EXPECT_THAT(turned.shape, ElementsAre(3, 2));
  EXPECT_THAT(turned.values, ElementsAre(1, 4, 2, 5, 3, 6));
  const Tensor cube{"c", {2, 1, 3}, {1, 2, 3, 4, 5, 6}};
  EXPECT_THAT(Permuted(cube, {2, 1, 0}).values, ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(Permuted(cube, {2, 1, 0}).shape, ElementsAre(3, 1, 2));
}

}  // namespace
}  // namespace gradus::onnx
