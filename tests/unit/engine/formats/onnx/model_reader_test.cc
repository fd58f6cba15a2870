// SPDX-License-Identifier: Apache-2.0
// What is read of an ONNX model, and what is refused.
#include "engine/formats/onnx/model_reader.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "onnx/onnx_pb.h"

namespace gradus::onnx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

::onnx::ModelProto Parse(const std::string& text) {
  ::onnx::ModelProto model;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &model)) << text;
  return model;
}

absl::StatusOr<ModelGraph> Read(const ::onnx::ModelProto& model) {
  const std::string file = model.SerializeAsString();
  return ReadModel(std::as_bytes(std::span(file)));
}

constexpr char kOpset[] = "opset_import { version: 13 } ";
constexpr char kInput[] =
    "input { name: 'x' type { tensor_type { elem_type: 1 shape { "
    "dim { dim_param: 'n' } dim { dim_value: 3 } } } } } ";

// A model around what is in its graph beside one input x (n, 3).
std::string Around(const std::string& graph) {
  return absl::StrCat(kOpset, "graph { name: 'g' ", kInput, graph, " }");
}

std::string Relu(const std::string& from, const std::string& to) {
  return absl::StrCat("node { op_type: 'Relu' input: '", from, "' output: '", to, "' } ");
}

constexpr char kOutput[] = "output { name: 'y' } ";

absl::Status ErrorOf(const std::string& text) { return Read(Parse(text)).status(); }

void ExpectInvalid(const std::string& text, const std::string& message) {
  const absl::Status status = ErrorOf(text);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(status.message(), HasSubstr(message));
}

void ExpectUnknown(const std::string& text, const std::string& message) {
  const absl::Status status = ErrorOf(text);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
  EXPECT_THAT(status.message(), HasSubstr(message));
}

TEST(ModelReader, ReadsInputsNodesAndConstants) {
  const absl::StatusOr<ModelGraph> graph = Read(Parse(Around(absl::StrCat(
      "node { name: 'first' op_type: 'LeakyRelu' input: 'x' output: 'h' "
      "  attribute { name: 'alpha' type: FLOAT f: 0.5 } } ",
      "node { op_type: 'Add' input: 'h' input: 'b' output: 'y' } ",
      "initializer { name: 'b' data_type: 1 dims: 3 float_data: [1, 2, 3] } ", kOutput))));
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->opset, 13);
  ASSERT_EQ(graph->inputs.size(), 1u);
  EXPECT_EQ(graph->inputs[0].name, "x");
  EXPECT_FALSE(graph->inputs[0].whole);
  EXPECT_THAT(graph->inputs[0].shape, ElementsAre(0, 3));
  EXPECT_EQ(graph->inputs[0].batch, 0u);
  EXPECT_THAT(graph->outputs, ElementsAre("y"));
  ASSERT_EQ(graph->nodes.size(), 2u);
  EXPECT_EQ(graph->nodes[0].name, "first");
  EXPECT_EQ(std::get<float>(graph->nodes[0].attributes.at("alpha")), 0.5F);
  EXPECT_THAT(*graph->constants.at("b").floats(), ElementsAre(1, 2, 3));
}

TEST(ModelReader, TakesTheOnlyOpenAxisForTheBatch) {
  const absl::StatusOr<ModelGraph> graph = Read(Parse(absl::StrCat(
      kOpset,
      "graph { input { name: 'y' type { tensor_type { elem_type: 7 shape { dim { dim_value: 5 } "
      "dim { dim_param: 'n' } dim { dim_value: 2 } } } } } ",
      kOutput, "}")));
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->inputs[0].batch, 1u);
  EXPECT_TRUE(graph->inputs[0].whole);
}

TEST(ModelReader, ReadsNodesCalledConstant) {
  const absl::StatusOr<ModelGraph> graph = Read(Parse(Around(absl::StrCat(
      "node { op_type: 'Constant' output: 'a' attribute { name: 'value_ints' type: INTS ints: 4 } "
      "}",
      "node { op_type: 'Constant' output: 'b' attribute { name: 'value' type: TENSOR t { "
      "data_type: 1 float_data: 2 } } } ",
      Relu("x", "y"), kOutput))));
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->nodes.size(), 1u);
  EXPECT_THAT(*graph->constants.at("a").integers(), ElementsAre(4));
  EXPECT_THAT(graph->constants.at("b").shape, ElementsAre());
}

TEST(ModelReader, DoesNotTakeAnInitializerForAnInput) {
  const absl::StatusOr<ModelGraph> graph = Read(Parse(Around(absl::StrCat(
      "input { name: 'b' type { tensor_type { elem_type: 1 shape { dim { dim_value: 1 } } } } } ",
      "initializer { name: 'b' data_type: 1 dims: 1 float_data: 1 } ", Relu("x", "y"), kOutput))));
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->inputs.size(), 1u);
}

TEST(ModelReader, RefusesWhatIsNoModel) {
  const std::string text = "this is no protobuf message";
  EXPECT_EQ(ReadModel(std::as_bytes(std::span(text))).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(ReadModel({}).ok());
  const std::string whole = Parse(Around(Relu("x", "y") + kOutput)).SerializeAsString();
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(ReadModel(std::as_bytes(std::span(whole).first(size))).ok()) << size;
}

TEST(ModelReader, RefusesVersionsThatItDoesNotKnow) {
  for (const int version : {0, 6, 19}) {
    ExpectUnknown(absl::StrCat("opset_import { version: ", version, " } graph { ", kInput,
                               Relu("x", "y"), kOutput, "}"),
                  absl::StrCat("opset_import: version ", version));
  }
  ExpectUnknown("opset_import { domain: 'com.example' version: 1 }", "opset_import");
}

TEST(ModelReader, RefusesWhatBelongsToOtherDomains) {
  ExpectUnknown(Around(absl::StrCat("node { op_type: 'Relu' domain: 'com.example' input: 'x' "
                                    "output: 'y' } ",
                                    kOutput)),
                "graph.node[0].domain: operator Relu is of the domain \"com.example\"");
}

TEST(ModelReader, RefusesNamesThatNoOperatorHas) {
  ExpectUnknown(
      Around("node { op_type: 'gradus.gelu' input: 'x' output: 'y' } output { name: 'y' }"),
      "graph.node[0].op_type");
}

TEST(ModelReader, RefusesSubgraphsFunctionsAndSparseTensors) {
  ExpectUnknown(Around(absl::StrCat("node { op_type: 'If' input: 'x' output: 'y' attribute { name: "
                                    "'then_branch' type: GRAPH g {} } } ",
                                    kOutput)),
                "graph.node[0].attribute[0].g");
  ExpectUnknown(Around(Relu("x", "y") + kOutput) + " functions { name: 'f' }", "functions");
  ExpectUnknown(Around(Relu("x", "y") + kOutput + "sparse_initializer { dims: 4 }"), "sparse");
}

TEST(ModelReader, NeverLooksForValuesInOtherFiles) {
  ExpectInvalid(Around(absl::StrCat("initializer { name: 'b' data_type: 1 dims: 1 data_location: "
                                    "EXTERNAL external_data { key: 'location' value: "
                                    "'/etc/passwd' } } ",
                                    Relu("x", "y"), kOutput)),
                "graph.initializer[0].external_data: values in other files are never read");
}

TEST(ModelReader, RefusesOpenShapes) {
  const auto input = [](const std::string& dims) {
    return absl::StrCat(kOpset,
                        "graph { input { name: 'x' type { tensor_type { elem_type: 1 shape {", dims,
                        "} } } } ", Relu("x", "y"), kOutput, "}");
  };
  const std::string expected =
      "graph.input[0].type.tensor_type.shape: \"x\": each axis but that of";
  ExpectInvalid(input("dim { dim_param: 'a' } dim { dim_param: 'b' }"), expected);
  ExpectInvalid(input("dim { dim_value: 2 } dim { dim_value: 0 }"), expected);
  ExpectInvalid(input("dim { dim_value: 2 } dim { dim_value: -3 }"), expected);
  ExpectInvalid(input(""), expected);
  ExpectInvalid(absl::StrCat(kOpset, "graph { input { name: 'x' } ", Relu("x", "y"), kOutput, "}"),
                "no tensor of a known shape");
}

TEST(ModelReader, RefusesInputsThatCannotBeFed) {
  ExpectInvalid(absl::StrCat(kOpset,
                             "graph { input { name: 'x' type { tensor_type { elem_type: 8 "
                             "shape { dim { dim_value: 2 } } } } } ",
                             Relu("x", "y"), kOutput, "}"),
                "elem_type: 8 is not the type of an input that can be fed");
}

TEST(ModelReader, RefusesAModelWithoutOutputs) {
  ExpectInvalid(Around(Relu("x", "y")), "graph.output");
}

TEST(ModelReader, RefusesAnAttributeThatIsThereTwice) {
  ExpectInvalid(
      Around(absl::StrCat("node { op_type: 'LeakyRelu' input: 'x' output: 'y' attribute { "
                          "name: 'alpha' type: FLOAT } attribute { name: 'alpha' type: "
                          "FLOAT } } ",
                          kOutput)),
      "graph.node[0].attribute[1]: \"alpha\" is there twice");
}

TEST(ModelReader, RefusesTooManyInputs) {
  std::string text = absl::StrCat(kOpset, "graph { ", Relu("x0", "y"), kOutput);
  for (int i = 0; i <= kMostInputs; ++i) {
    absl::StrAppend(&text, "input { name: 'x", i,
                    "' type { tensor_type { elem_type: 1 shape { dim { dim_value: 1 } } } } } ");
  }
  ExpectInvalid(text + "}", "graph.input: 65 is not at most 64");
}

}  // namespace
}  // namespace gradus::onnx
