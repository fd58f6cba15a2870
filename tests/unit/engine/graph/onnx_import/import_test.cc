// SPDX-License-Identifier: Apache-2.0
// What models become: layers as a person would write them, and errors that name the node. That they
// give what the models give is held by tests/conformance and tests/integration/onnx.
#include "engine/graph/onnx_import/import.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "engine/formats/onnx/model_writer.h"
#include "engine/graph/graph.h"
#include "engine/graph/onnx_export.h"
#include "engine/layers/kind.h"

namespace gradus::onnx_import {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Axes = std::vector<int64_t>;

// A model in the making: one input x, weights of 1, and one output.
class Model {
 public:
  explicit Model(const Axes& row) : writer_("net") {
    x_ = writer_.Input("x", row);
    writer_.BeginLayer("net");
  }

  const onnx::Value& x() const { return x_; }
  onnx::ModelWriter& writer() { return writer_; }

  onnx::Value Node(const char* op, std::vector<onnx::Value> inputs,
                   const std::vector<onnx::Attribute>& attributes = {}, int output = 0) {
    return writer_.Node(op, std::move(inputs), attributes, output);
  }
  onnx::Value Ones(const char* name, const Axes& shape) {
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    return writer_.Constant(name, shape, std::vector<float>(static_cast<size_t>(count), 1));
  }
  onnx::Value Conv(const onnx::Value& x, const Axes& kernel, const Axes& pads = {0, 0, 0, 0},
                   const Axes& strides = {1, 1}) {
    return Node("Conv", {x, Ones("kernel", kernel)}, {{"pads", pads}, {"strides", strides}});
  }

  std::string File(const std::vector<onnx::Value>& outputs) {
    for (size_t i = 0; i < outputs.size(); ++i)
      writer_.Output(absl::StrCat("y", i), Axes{}, outputs[i]);
    return writer_.Finish().value();
  }

 private:
  onnx::ModelWriter writer_;
  onnx::Value x_;
};

absl::StatusOr<ImportedModel> Import(const std::string& file) {
  return ImportOnnx(std::as_bytes(std::span(file)));
}

ImportedModel Imported(Model& model, const std::vector<onnx::Value>& outputs) {
  absl::StatusOr<ImportedModel> imported = Import(model.File(outputs));
  EXPECT_TRUE(imported.ok()) << imported.status();
  return imported.ok() ? *std::move(imported) : ImportedModel();
}

absl::Status ErrorOf(Model& model, const onnx::Value& output) {
  return Import(model.File({output})).status();
}

// Whether all but names is as in `text`.
void ExpectSpec(v1::ModelSpec spec, const std::string& text) {
  for (v1::Layer& layer : *spec.mutable_layers()) layer.clear_name();
  v1::ModelSpec expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &expected)) << text;
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(spec, expected))
      << spec.DebugString();
}

std::vector<std::string> Words(const ImportedModel& model) {
  std::vector<std::string> words;
  for (const v1::Layer& layer : model.spec.layers())
    words.push_back(layer.shares().empty() ? layers::Word(*layers::Find(layer)) : "shares");
  return words;
}

TEST(OnnxImport, MakesAProductAndWhatFollowsItOneLayer) {
  Model model({4});
  const onnx::Value product = model.Node("MatMul", {model.x(), model.Ones("kernel", {4, 3})});
  const onnx::Value sum = model.Node("Add", {product, model.Ones("bias", {3})});
  const ImportedModel imported = Imported(model, {model.Node("Relu", {sum})});
  ExpectSpec(imported.spec, "input_shape: 4 layers { dense { units: 3 activation { relu {} } } }");
}

TEST(OnnxImport, KeepsAnActivationApartFromWhatOthersReadToo) {
  Model model({4});
  const onnx::Value dense = model.Node("Gemm", {model.x(), model.Ones("kernel", {4, 3})});
  const onnx::Value relu = model.Node("Relu", {dense});
  const ImportedModel imported = Imported(model, {model.Node("Sum", {dense, relu})});
  EXPECT_THAT(Words(imported), ElementsAre("dense", "activation", "add"));
}

TEST(OnnxImport, KeepsAnActivationApartFromALayerThatOthersReadUnderAnotherShape) {
  Model model({4});
  const onnx::Value dense = model.Node("Gemm", {model.x(), model.Ones("kernel", {4, 3})});
  const onnx::Value other = model.Node("Reshape", {dense, model.writer().Integers("a", {0, 3, 1})});
  const onnx::Value back = model.Node("Reshape", {other, model.writer().Integers("b", {0, 3})});
  const onnx::Value relu = model.Node("Relu", {back});
  const ImportedModel imported = Imported(model, {model.Node("Sum", {dense, relu})});
  EXPECT_THAT(Words(imported), ElementsAre("dense", "activation", "add"));
}

TEST(OnnxImport, GivesWeightsAsTheGraphHasThem) {
  Model model({2});
  const onnx::Value kernel = model.writer().Constant("kernel", {3, 2}, {1, 2, 3, 4, 5, 6});
  const onnx::Value bias = model.writer().Constant("bias", {3}, {7, 8, 9});
  const ImportedModel imported =
      Imported(model, {model.Node("Gemm", {model.x(), kernel, bias}, {{"transB", int64_t{1}}})});
  ASSERT_EQ(imported.weights.size(), 2u);
  EXPECT_THAT(imported.weights[0], ElementsAre(1, 3, 5, 2, 4, 6));
  EXPECT_THAT(imported.weights[1], ElementsAre(7, 8, 9));
}

TEST(OnnxImport, FeedsImagesChannelsLast) {
  Model model({3, 8, 6});
  const onnx::Value scaled = model.Node("Mul", {model.x(), model.writer().Scalar("scale", 0.5)});
  const ImportedModel imported = Imported(model, {model.Conv(scaled, {5, 3, 1, 1})});
  ExpectSpec(imported.spec,
             "input_shape: 8 input_shape: 6 input_shape: 3 layers { rescaling { scale: 0.5 } } "
             "layers { conv2d { filters: 5 kernel_size: 1 use_bias: false } }");
  ASSERT_EQ(imported.inputs.size(), 1u);
  EXPECT_EQ(imported.inputs[0].name, "x");
  EXPECT_THAT(imported.inputs[0].axes, ElementsAre(0, 2, 3, 1));
  EXPECT_THAT(imported.outputs[0].axes, ElementsAre(0, 2, 3, 1));
}

TEST(OnnxImport, PermutesBeforeAFlattenThatCountsChannelsFirst) {
  Model model({3, 4, 4});
  const onnx::Value conv = model.Conv(model.x(), {5, 3, 3, 3});
  const onnx::Value flat = model.Node("Flatten", {conv}, {{"axis", int64_t{1}}});
  const ImportedModel imported =
      Imported(model, {model.Node("Gemm", {flat, model.Ones("dense", {20, 2})})});
  EXPECT_THAT(Words(imported), ElementsAre("conv2d", "permute", "flatten", "dense"));
  EXPECT_THAT(imported.spec.layers(1).permute().dims(), ElementsAre(3, 1, 2));
}

TEST(OnnxImport, PermutesNothingOfAPoolOverAllPositions) {
  Model model({3, 4, 4});
  const onnx::Value conv = model.Conv(model.x(), {5, 3, 3, 3});
  const onnx::Value pool = model.Node("GlobalAveragePool", {conv});
  const ImportedModel imported =
      Imported(model, {model.Node("Flatten", {pool}, {{"axis", int64_t{1}}})});
  EXPECT_THAT(Words(imported), ElementsAre("conv2d", "global_average_pooling2d"));
}

TEST(OnnxImport, BringsBackAnExportAsItWas) {
  v1::ModelSpec spec;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "input_shape: 6 input_shape: 6 input_shape: 2"
      " layers { name: 'conv' conv2d { filters: 4 kernel_size: 3 padding: SAME activation { relu "
      "{} } } }"
      " layers { name: 'norm' batch_normalization { epsilon: 0.001 momentum: 0.9 } }"
      " layers { name: 'pool' max_pooling2d { pool_size: 2 pool_size: 2 strides: 2 strides: 2 } }"
      " layers { name: 'flat' flatten {} }"
      " layers { name: 'last' dense { units: 3 activation { softmax {} } } }",
      &spec));
  const auto ones = [](const graph::Parameter& weight) -> absl::StatusOr<std::vector<float>> {
    return std::vector<float>(static_cast<size_t>(weight.count), 1);
  };
  const std::string file =
      graph::ExportOnnx(graph::Graph::Create(spec).value(), "net", ones).value();
  const absl::StatusOr<ImportedModel> imported = Import(file);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(imported->spec, spec))
      << imported->spec.DebugString();
}

TEST(OnnxImport, SaysPaddingWithAWordWhereThereIsOne) {
  Model model({2, 8, 8});
  const onnx::Value same = model.Conv(model.x(), {2, 2, 3, 3}, {1, 1, 1, 1});
  const ImportedModel imported =
      Imported(model, {model.Conv(same, {2, 2, 3, 3}, {1, 1, 1, 1}, {2, 2})});
  EXPECT_THAT(Words(imported), ElementsAre("conv2d", "zero_padding2d", "conv2d"));
  EXPECT_EQ(imported.spec.layers(0).conv2d().padding(), v1::SAME);
  EXPECT_THAT(imported.spec.layers(1).zero_padding2d().padding(), ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(imported.spec.layers(2).conv2d().padding(), v1::PADDING_UNSPECIFIED);
}

TEST(OnnxImport, PadsMaximaWithZerosOnlyWhereNothingIsBelow) {
  const std::vector<onnx::Attribute> window = {
      {"kernel_shape", Axes{3, 3}}, {"strides", Axes{2, 2}}, {"pads", Axes{1, 1, 1, 1}}};
  Model cut({2, 8, 8});
  const onnx::Value relu = cut.Node("Relu", {cut.x()});
  EXPECT_THAT(Words(Imported(cut, {cut.Node("MaxPool", {relu}, window)})),
              ElementsAre("activation", "zero_padding2d", "max_pooling2d"));
  Model any({2, 8, 8});
  EXPECT_THAT(Words(Imported(any, {any.Node("MaxPool", {any.x()}, window)})),
              ElementsAre("max_pooling2d", "max_pooling2d"));
}

TEST(OnnxImport, TakesEachChannelByItselfForDepthwise) {
  Model model({4, 5, 5});
  const ImportedModel imported =
      Imported(model, {model.Node("Conv", {model.x(), model.Ones("kernel", {8, 1, 3, 3})},
                                  {{"group", int64_t{4}}})});
  ExpectSpec(imported.spec,
             "input_shape: 5 input_shape: 5 input_shape: 4 layers { depthwise_conv2d { "
             "kernel_size: 3 depth_multiplier: 2 use_bias: false } }");
}

// (batch, steps, channels), as PyTorch has it.
onnx::Value Lstm(Model& model, const char* direction, int64_t ways, int output) {
  const onnx::Value steps = model.Node("Transpose", {model.x()}, {{"perm", Axes{1, 0, 2}}});
  return model.Node("LSTM",
                    {steps, model.Ones("W", {ways, 16, 3}), model.Ones("R", {ways, 16, 4}),
                     model.Ones("B", {ways, 32})},
                    {{"hidden_size", int64_t{4}}, {"direction", std::string(direction)}}, output);
}

TEST(OnnxImport, LetsALayerOfWhichTheLastStepIsReadGiveThatAlone) {
  Model model({5, 3});
  const onnx::Value all = Lstm(model, "forward", 1, 0);
  const onnx::Value way = model.Node("Squeeze", {all, model.writer().Integers("way", {1})});
  const onnx::Value rows = model.Node("Transpose", {way}, {{"perm", Axes{1, 0, 2}}});
  const onnx::Value last =
      model.Node("Gather", {rows, model.writer().Integers("last", {-1})}, {{"axis", int64_t{1}}});
  const onnx::Value y = model.Node("Squeeze", {last, model.writer().Integers("way", {1})});
  ExpectSpec(Imported(model, {y}).spec,
             "input_shape: 5 input_shape: 3 layers { lstm { units: 4 } }");
}

TEST(OnnxImport, MakesBothDirectionsOneLayer) {
  Model model({5, 3});
  const onnx::Value all = Lstm(model, "bidirectional", 2, 0);
  const onnx::Value ways = model.Node("Transpose", {all}, {{"perm", Axes{0, 2, 1, 3}}});
  const onnx::Value both =
      model.Node("Reshape", {ways, model.writer().Integers("both", {0, 0, -1})});
  const onnx::Value rows = model.Node("Transpose", {both}, {{"perm", Axes{1, 0, 2}}});
  ExpectSpec(Imported(model, {rows}).spec,
             "input_shape: 5 input_shape: 3 layers { bidirectional { layer { "
             "lstm { units: 4 return_sequences: true } } } }");
}

TEST(OnnxImport, RefusesStepsInTheOtherOrder) {
  Model model({5, 3});
  const onnx::Value all = Lstm(model, "reverse", 1, 0);
  const onnx::Value relu = model.Node("Relu", {all});
  const absl::Status status = ErrorOf(model, relu);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("turned round"));
}

TEST(OnnxImport, TakesAxesAsInputsAsNewerVersionsHaveThem) {
  Model model({5, 3});
  const onnx::Value mean = model.Node(
      "ReduceMean", {model.x(), model.writer().Integers("axes", {1})}, {{"keepdims", int64_t{0}}});
  const onnx::Value padded = model.Node("Pad", {mean, model.writer().Integers("pads", {2, 1}), "",
                                                model.writer().Integers("last", {-1})});
  const ImportedModel imported = Imported(model, {padded});
  EXPECT_THAT(Words(imported),
              ElementsAre("global_average_pooling1d", "reshape", "zero_padding2d", "flatten"));
  EXPECT_THAT(imported.spec.layers(2).zero_padding2d().padding(), ElementsAre(0, 0, 2, 1));
}

TEST(OnnxImport, SharesWeightsThatAreUsedTwice) {
  Model model({4});
  const onnx::Value kernel = model.Ones("kernel", {4, 4});
  const onnx::Value once = model.Node("MatMul", {model.x(), kernel});
  const ImportedModel imported = Imported(model, {model.Node("MatMul", {once, kernel})});
  EXPECT_THAT(Words(imported), ElementsAre("dense", "shares"));
  EXPECT_EQ(imported.weights.size(), 1u);
}

TEST(OnnxImport, RefusesWeightsThatAreUsedFarTooOften) {
  Model model({2000});
  const onnx::Value kernel = model.Ones("kernel", {2000, 2000});
  onnx::Value y = model.x();
  for (int i = 0; i < 8; ++i) y = model.Node("MatMul", {y, kernel});
  EXPECT_THAT(ErrorOf(model, y).message(), HasSubstr("used by many nodes"));
}

TEST(OnnxImport, TakesNamesFromNodes) {
  Model model({4});
  model.writer().BeginLayer("/block/block.0/fc");
  const onnx::Value fc = model.Node("Gemm", {model.x(), model.Ones("kernel", {4, 3})});
  model.writer().BeginLayer("again");
  const onnx::Value again = model.Node("Gemm", {fc, model.Ones("kernel", {3, 3})});
  model.writer().BeginLayer("no name");
  const onnx::Value other = model.Node("Gemm", {again, model.Ones("kernel", {3, 3})});
  const ImportedModel imported = Imported(model, {other});
  ASSERT_EQ(imported.spec.layers_size(), 3);
  EXPECT_EQ(imported.spec.layers(0).name(), "block.0.fc");
  EXPECT_EQ(imported.spec.layers(1).name(), "again");
  EXPECT_EQ(imported.spec.layers(2).name(), "dense");
}

TEST(OnnxImport, NamesManyLayersOfOneKindOneByOne) {
  Model model({4});
  onnx::Value y = model.x();
  for (int i = 0; i < 4; ++i) y = model.Node("Tanh", {y});
  model.writer().BeginLayer("net_2");
  y = model.Node("Tanh", {y});
  const ImportedModel imported = Imported(model, {y});
  std::vector<std::string> names;
  for (const v1::Layer& layer : imported.spec.layers()) names.push_back(layer.name());
  EXPECT_THAT(names, ElementsAre("net", "net_1", "net_2", "net_3", "net_2_1"));
}

TEST(OnnxImport, GivesEachOutputALayerOfItsOwn) {
  Model model({4});
  const onnx::Value y = model.Node("Gemm", {model.x(), model.Ones("kernel", {4, 3})});
  const ImportedModel imported = Imported(model, {y, y, model.x()});
  EXPECT_THAT(Words(imported), ElementsAre("dense", "activation", "activation"));
  EXPECT_EQ(imported.spec.outputs_size(), 3);
  EXPECT_THAT(imported.spec.layers(2).inputs(), ElementsAre("input"));
}

TEST(OnnxImport, LeavesOutWhatNoOutputNeeds) {
  Model model({4});
  model.Node("Whatever", {model.x()});
  EXPECT_THAT(Words(Imported(model, {model.Node("Tanh", {model.x()})})), ElementsAre("activation"));
}

TEST(OnnxImport, FollowsShapesThatAreComputed) {
  // x.view(x.size(0), -1), as PyTorch writes it.
  Model model({3, 4});
  const onnx::Value shape = model.Node("Shape", {model.x()});
  const onnx::Value rows =
      model.Node("Gather", {shape, model.writer().Integers("zero", {0})}, {{"axis", int64_t{0}}});
  const onnx::Value target =
      model.Node("Concat", {rows, model.writer().Integers("rest", {-1})}, {{"axis", int64_t{0}}});
  ExpectSpec(Imported(model, {model.Node("Reshape", {model.x(), target})}).spec,
             "input_shape: 3 input_shape: 4 layers { flatten {} }");
}

TEST(OnnxImport, RefusesShapesThatMixTheRowsOfABatch) {
  Model model({3, 4});
  const onnx::Value y =
      model.Node("Reshape", {model.x(), model.writer().Integers("shape", {-1, 4})});
  EXPECT_THAT(ErrorOf(model, y).message(), HasSubstr("mixes rows of a batch"));
}

TEST(OnnxImport, NamesTheNodeThatItHasNoWordFor) {
  Model model({4});
  model.writer().BeginLayer("top");
  const absl::Status status = ErrorOf(model, model.Node("Einsum", {model.x()}));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(), "graph.node[0]: Einsum \"top/Einsum\": the operator is not known");
}

TEST(OnnxImport, RefusesAttributesThatItDoesNotKnow) {
  Model model({4});
  const onnx::Value y = model.Node("Relu", {model.x()}, {{"alpha", 0.5F}});
  EXPECT_THAT(ErrorOf(model, y).message(), HasSubstr("its attribute \"alpha\" is not known"));
  Model other({4});
  const onnx::Value z = other.Node("Elu", {other.x()}, {{"alpha", int64_t{1}}});
  EXPECT_THAT(ErrorOf(other, z).message(), HasSubstr("\"alpha\" is of another type"));
}

TEST(OnnxImport, RefusesALogarithmOfASoftmax) {
  Model model({4});
  EXPECT_THAT(ErrorOf(model, model.Node("LogSoftmax", {model.x()})).message(),
              HasSubstr("there is no logarithm of a softmax"));
}

TEST(OnnxImport, RefusesWeightsThatDoNotFit) {
  Model model({4});
  const absl::Status status =
      ErrorOf(model, model.Node("Gemm", {model.x(), model.Ones("kernel", {5, 3})}));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(),
              HasSubstr("a kernel of shape (5, 3) is not a kernel of shape (4, 3)"));
}

}  // namespace
}  // namespace gradus::onnx_import
