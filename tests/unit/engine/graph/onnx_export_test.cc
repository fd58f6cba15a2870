// SPDX-License-Identifier: Apache-2.0
// What of a network an ONNX model has: its names, its weights once, its ends.
#include "engine/graph/onnx_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "onnx/checker.h"
#include "onnx/onnx_pb.h"

namespace gradus::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

absl::StatusOr<std::vector<float>> Zeros(const Parameter& weight) {
  return std::vector<float>(static_cast<size_t>(weight.count));
}

::onnx::ModelProto Export(const v1::ModelSpec& spec) {
  ::onnx::ModelProto model;
  EXPECT_TRUE(
      model.ParseFromString(ExportOnnx(Graph::Create(spec).value(), "net@1", Zeros).value()));
  EXPECT_NO_THROW(::onnx::checker::check_model(model));
  return model;
}

std::vector<std::string> Names(const auto& things) {
  std::vector<std::string> names;
  for (const auto& thing : things) names.push_back(thing.name());
  return names;
}

v1::ModelSpec Small() {
  v1::ModelSpec spec;
  spec.add_input_shape(4);
  v1::Layer& hidden = *spec.add_layers();
  hidden.set_name("hidden");
  hidden.mutable_dense()->set_units(3);
  v1::Layer& last = *spec.add_layers();
  last.set_name("last");
  last.mutable_dense()->set_units(2);
  return spec;
}

TEST(OnnxExport, HasTheNamesOfTheModel) {
  const ::onnx::ModelProto model = Export(Small());
  EXPECT_EQ(model.graph().name(), "net@1");
  EXPECT_THAT(Names(model.graph().input()), ElementsAre("input"));
  EXPECT_THAT(Names(model.graph().output()), ElementsAre("last"));
  EXPECT_THAT(Names(model.graph().initializer()),
              UnorderedElementsAre("hidden/kernel", "hidden/bias", "last/kernel", "last/bias"));
}

TEST(OnnxExport, HasEachInputAndEachOutput) {
  v1::ModelSpec spec = Small();
  spec.clear_input_shape();
  for (const char* name : {"left", "right"}) {
    spec.add_inputs()->set_name(name);
    spec.mutable_inputs(spec.inputs_size() - 1)->add_shape(4);
  }
  spec.mutable_layers(0)->add_inputs("left");
  spec.mutable_layers(1)->add_inputs("right");
  // A layer that does nothing here is an output like any other.
  v1::Layer& dropped = *spec.add_layers();
  dropped.set_name("dropped");
  dropped.mutable_dropout()->set_rate(0.5);
  for (const char* name : {"dropped", "hidden", "last"}) spec.add_outputs(name);
  const ::onnx::ModelProto model = Export(spec);
  EXPECT_THAT(Names(model.graph().input()), ElementsAre("left", "right"));
  EXPECT_THAT(Names(model.graph().output()), ElementsAre("dropped", "hidden", "last"));
}

TEST(OnnxExport, HasSharedWeightsOnce) {
  v1::ModelSpec spec;
  for (const int64_t extent : {5, 4, 2}) spec.add_input_shape(extent);
  v1::Layer& first = *spec.add_layers();
  first.set_name("first");
  first.mutable_conv2d()->set_filters(2);
  first.mutable_conv2d()->add_kernel_size(3);
  first.mutable_conv2d()->set_padding(v1::SAME);
  v1::Layer& again = *spec.add_layers();
  again.set_name("again");
  again.set_shares("first");
  const ::onnx::ModelProto model = Export(spec);
  EXPECT_THAT(Names(model.graph().initializer()),
              UnorderedElementsAre("first/kernel", "first/bias"));
  int uses = 0;
  for (const auto& node : model.graph().node())
    uses += static_cast<int>(std::count(node.input().begin(), node.input().end(), "first/kernel"));
  EXPECT_EQ(uses, 2);
}

TEST(OnnxExport, IsTheSameEachTime) {
  const Graph graph = Graph::Create(Small()).value();
  EXPECT_EQ(ExportOnnx(graph, "net", Zeros).value(), ExportOnnx(graph, "net", Zeros).value());
}

TEST(OnnxExport, NamesAWeightThatDoesNotFit) {
  const auto short_one = [](const Parameter&) -> absl::StatusOr<std::vector<float>> {
    return std::vector<float>(1);
  };
  const absl::Status status = ExportOnnx(Graph::Create(Small()).value(), "net", short_one).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("hidden/kernel: 1 values is not 12 of them"));
}

TEST(OnnxExport, PassesOnWhyAWeightIsMissing) {
  const auto none = [](const Parameter&) -> absl::StatusOr<std::vector<float>> {
    return absl::NotFoundError("gone");
  };
  EXPECT_EQ(ExportOnnx(Graph::Create(Small()).value(), "net", none).status(),
            absl::NotFoundError("gone"));
}

}  // namespace
}  // namespace gradus::graph
