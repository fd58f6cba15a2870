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
#include <span>

#include "absl/strings/str_cat.h"
#include "engine/layers/kind.h"
#include "onnx/checker.h"
#include "onnx/onnx_pb.h"
#include "onnx/shape_inference/implementation.h"
#include "tests/conformance/onnx_case.h"

namespace gradus::conformance {
namespace {

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
  for (size_t i = 0; i < made.inputs.size(); ++i) {
    Write(folder / absl::StrCat(made.name, ".", made.graph.inputs()[i].name, ".f32"),
          made.inputs[i]);
  }
  const auto expected = Predicted(made.graph, made.weights, made.inputs);
  ASSERT_TRUE(expected.ok()) << expected.status();
  Write(folder / absl::StrCat(made.name, ".expected.f32"), *expected);
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
  for (const OnnxCase& made : OnnxCasesOf(*GetParam())) {
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
  for (const OnnxCase& made : OnnxCasesOf(*GetParam())) {
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
