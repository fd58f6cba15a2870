// SPDX-License-Identifier: Apache-2.0
// Each kind's samples as ONNX models: ONNX's checker takes them, and its inference of shapes agrees
// with the graph's.
//
// With GRADUS_ONNX_CASES, a folder, each model is also written there, as CASE.onnx beside rows of
// inputs and what a plan makes of them, CASE.INPUT.f32 and CASE.expected.f32, which
// tests/integration/onnx has another program compare.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>

#include "absl/strings/str_cat.h"
#include "engine/graph/onnx_export.h"
#include "engine/layers/kind.h"
#include "engine/plan/predictor.h"
#include "onnx/checker.h"
#include "onnx/onnx_pb.h"
#include "onnx/shape_inference/implementation.h"
#include "tests/conformance/draws.h"

namespace gradus::conformance {
namespace {

constexpr int64_t kRows = 5;

// The sample with an input of the model for each of its own.
v1::ModelSpec SpecOf(const layers::Sample& sample) {
  v1::ModelSpec spec;
  v1::Layer& layer = *spec.add_layers();
  layer = sample.spec;
  layer.set_name("layer");
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    v1::ModelInput& input = *spec.add_inputs();
    input.set_name(absl::StrCat("in", i));
    input.mutable_shape()->Assign(sample.inputs[i].begin(), sample.inputs[i].end());
    layer.add_inputs(input.name());
  }
  return spec;
}

struct OnnxCase {
  std::string name;
  graph::Graph graph;
  std::vector<plan::NamedTensor> weights;
  std::vector<std::vector<float>> inputs;
};

std::vector<OnnxCase> CasesOf(const layers::LayerKind& kind) {
  std::vector<OnnxCase> cases;
  uint32_t stream = 1;
  for (const layers::Sample& sample : kind.samples()) {
    auto graph = graph::Graph::Create(SpecOf(sample));
    EXPECT_TRUE(graph.ok()) << graph.status();
    if (!graph.ok()) continue;
    OnnxCase made{absl::StrCat(layers::Word(kind), "-", cases.size()), *std::move(graph), {}, {}};
    for (const graph::Parameter& parameter : made.graph.parameters()) {
      made.weights.push_back({parameter.name, parameter.shape,
                              DrawWeight(static_cast<size_t>(parameter.count), parameter.fan_in,
                                         parameter.statistic, stream++)});
    }
    for (const graph::ModelInput& input : made.graph.inputs()) {
      const auto count = static_cast<size_t>(kRows * input.values);
      made.inputs.push_back(sample.whole_below > 0 ? DrawWhole(count, stream, sample.whole_below)
                                                   : DrawNormal(count, stream));
      ++stream;
    }
    cases.push_back(std::move(made));
  }
  return cases;
}

absl::StatusOr<std::string> Exported(const OnnxCase& made) {
  return graph::ExportOnnx(made.graph, made.name, [&](const graph::Parameter& parameter) {
    return made.weights[static_cast<size_t>(&parameter - made.graph.parameters().data())].values;
  });
}

void Write(const std::filesystem::path& path, std::span<const char> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

void Write(const std::filesystem::path& path, const std::vector<float>& values) {
  Write(path, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

void WriteCase(const std::filesystem::path& folder, const OnnxCase& made,
               const std::string& model) {
  const auto predictor = plan::Predictor::Create(made.graph, made.weights, {.batch_size = kRows});
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  std::vector<float> all;
  for (size_t i = 0; i < made.inputs.size(); ++i) {
    all.insert(all.end(), made.inputs[i].begin(), made.inputs[i].end());
    Write(folder / absl::StrCat(made.name, ".", made.graph.inputs()[i].name, ".f32"),
          made.inputs[i]);
  }
  std::vector<float> expected(static_cast<size_t>(kRows * made.graph.output_values()));
  ASSERT_TRUE((*predictor)->Predict(all.data(), kRows, expected.data()).ok());
  Write(folder / absl::StrCat(made.name, ".expected.f32"), expected);
  Write(folder / absl::StrCat(made.name, ".onnx"), std::span(model));
}

// What is wrong with the model, in ONNX's words.
std::string Fault(::onnx::ModelProto model) {
  try {
    ::onnx::checker::check_model(model);
    // Strict, so that shapes that are inferred may not differ from those that are said.
    ::onnx::shape_inference::InferShapes(model, ::onnx::OpSchemaRegistry::Instance(),
                                         {true, 1, true});
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

class OnnxModels : public testing::TestWithParam<const layers::LayerKind*> {};

INSTANTIATE_TEST_SUITE_P(Kinds, OnnxModels,
                         testing::ValuesIn(layers::Table().begin(), layers::Table().end()),
                         [](const auto& tested) { return layers::Word(*tested.param); });

TEST_P(OnnxModels, AreAsOnnxsOwnCheckerWantsThem) {
  ASSERT_NE(GetParam()->onnx, nullptr) << "it does not say how ONNX writes it";
  const char* folder = std::getenv("GRADUS_ONNX_CASES");
  for (const OnnxCase& made : CasesOf(*GetParam())) {
    SCOPED_TRACE(made.name);
    const absl::StatusOr<std::string> bytes = Exported(made);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    ::onnx::ModelProto model;
    ASSERT_TRUE(model.ParseFromString(*bytes));
    EXPECT_EQ(Fault(model), "");
    if (folder != nullptr) WriteCase(folder, made, *bytes);
  }
}

TEST_P(OnnxModels, BringAllValuesAlong) {
  for (const OnnxCase& made : CasesOf(*GetParam())) {
    ::onnx::ModelProto model;
    ASSERT_TRUE(model.ParseFromString(Exported(made).value()));
    for (const ::onnx::TensorProto& tensor : model.graph().initializer()) {
      EXPECT_TRUE(tensor.has_raw_data()) << tensor.name();
      EXPECT_EQ(tensor.external_data_size(), 0) << tensor.name();
    }
  }
}

}  // namespace
}  // namespace gradus::conformance
