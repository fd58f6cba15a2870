// SPDX-License-Identifier: Apache-2.0
// A file that would take far more memory than it has bytes is told before it is parsed.
#include "engine/formats/onnx/parsing_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/onnx_pb.h"

namespace gradus::onnx {
namespace {

using ::testing::HasSubstr;

absl::Status Check(const std::string& bytes) {
  return CheckParsingCost(*::onnx::ModelProto::descriptor(), std::as_bytes(std::span(bytes)));
}

TEST(ParsingCost, LetsRawWeightsOfAnySizePass) {
  ::onnx::ModelProto model;
  for (int i = 0; i < 4; ++i)
    model.mutable_graph()->add_initializer()->mutable_raw_data()->assign(16 << 20, 'w');
  EXPECT_TRUE(Check(model.SerializeAsString()).ok());
}

TEST(ParsingCost, LetsALargeGraphPass) {
  ::onnx::ModelProto model;
  for (int i = 0; i < 5000; ++i) {
    ::onnx::NodeProto& node = *model.mutable_graph()->add_node();
    node.set_name("/layer/layer.0/conv/Conv");
    node.set_op_type("Conv");
    for (const char* name : {"x", "w", "b"}) node.add_input(name);
    node.add_output("/layer/layer.0/conv/Conv_output_0");
    ::onnx::AttributeProto& pads = *node.add_attribute();
    pads.set_name("pads");
    for (int k = 0; k < 4; ++k) pads.add_ints(1);
  }
  EXPECT_TRUE(Check(model.SerializeAsString()).ok());
}

TEST(ParsingCost, RefusesManySmallMessages) {
  ::onnx::ModelProto model;
  for (int i = 0; i < 200'000; ++i) model.mutable_graph()->add_node();
  EXPECT_THAT(Check(model.SerializeAsString()).message(), HasSubstr("many small parts"));
}

TEST(ParsingCost, RefusesManyNumbersOfOneByte) {
  ::onnx::ModelProto model;
  model.mutable_graph()->add_initializer()->mutable_int64_data()->Resize(4 << 20, 1);
  EXPECT_THAT(Check(model.SerializeAsString()).message(), HasSubstr("raw_data"));
}

TEST(ParsingCost, RefusesManyFieldsThatTheSchemaHasNot) {
  // Field 1000, a varint: three bytes.
  std::string bytes;
  for (int i = 0; i < 2'000'000; ++i) bytes += std::string("\xC0\x3E\x01", 3);
  EXPECT_THAT(Check(bytes).message(), HasSubstr("many small parts"));
}

TEST(ParsingCost, RefusesWhatLiesTooDeep) {
  ::onnx::GraphProto graph;
  for (int i = 0; i < kMostDepth; ++i) {
    ::onnx::GraphProto outer;
    *outer.add_node()->add_attribute()->mutable_g() = graph;
    graph = outer;
  }
  ::onnx::ModelProto model;
  *model.mutable_graph() = graph;
  EXPECT_THAT(Check(model.SerializeAsString()).message(), HasSubstr("deep"));
}

TEST(ParsingCost, RefusesLengthsBeyondTheEnd) {
  // graph, of 100 bytes, with one there.
  EXPECT_FALSE(Check(std::string("\x3A\x64\x00", 3)).ok());
  // A length that ends early.
  EXPECT_FALSE(Check("\x3A\xFF\xFF").ok());
  // A node that is longer than its graph.
  EXPECT_FALSE(Check(std::string("\x3A\x02\x0A\x05", 4)).ok());
}

}  // namespace
}  // namespace gradus::onnx
