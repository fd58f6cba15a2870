// SPDX-License-Identifier: Apache-2.0
// Each kind's samples, exported and imported again, give what they gave; those that cannot come
// back are listed in onnx_round_trip.txt.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <numeric>
#include <span>

#include "absl/strings/str_cat.h"
#include "engine/graph/onnx_import/import.h"
#include "engine/layers/kind.h"
#include "tests/conformance/onnx_case.h"

namespace gradus::conformance {
namespace {

constexpr float kTolerance = 1e-5F;

// Reasons by name.
std::map<std::string, std::string> Listed() {
  std::map<std::string, std::string> listed;
  std::ifstream file(GRADUS_ONNX_ROUND_TRIP);
  EXPECT_TRUE(file.good()) << GRADUS_ONNX_ROUND_TRIP;
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (!line.starts_with('#') && colon != std::string::npos)
      listed.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
  return listed;
}

absl::StatusOr<onnx_import::ImportedModel> Imported(const OnnxCase& made) {
  const absl::StatusOr<std::string> file = Exported(made);
  if (!file.ok()) return file.status();
  return onnx_import::ImportOnnx(std::as_bytes(std::span(*file)));
}

void ExpectSameOutputs(const OnnxCase& made, onnx_import::ImportedModel model) {
  const auto graph = graph::Graph::Create(model.spec);
  ASSERT_TRUE(graph.ok()) << graph.status() << "\n" << model.spec.DebugString();
  std::vector<plan::NamedTensor> weights;
  for (size_t i = 0; i < model.weights.size(); ++i) {
    const graph::Parameter& parameter = graph->parameters()[i];
    weights.push_back({parameter.name, parameter.shape, std::move(model.weights[i])});
  }
  const auto expected = Predicted(made.graph, made.weights, made.inputs);
  const auto found = Predicted(*graph, weights, made.inputs);
  ASSERT_TRUE(expected.ok()) << expected.status();
  ASSERT_TRUE(found.ok()) << found.status() << "\n" << model.spec.DebugString();
  ASSERT_EQ(found->size(), expected->size());
  float size = 1;
  for (const float value : *expected) size = std::max(size, std::abs(value));
  for (size_t i = 0; i < expected->size(); ++i) {
    ASSERT_NEAR((*found)[i], (*expected)[i], kTolerance * size) << i << "\n"
                                                                << model.spec.DebugString();
  }
}

class OnnxRoundTrip : public testing::TestWithParam<const layers::LayerKind*> {};

INSTANTIATE_TEST_SUITE_P(Kinds, OnnxRoundTrip,
                         testing::ValuesIn(layers::Table().begin(), layers::Table().end()),
                         [](const auto& tested) { return layers::Word(*tested.param); });

TEST_P(OnnxRoundTrip, GivesTheSameOutputs) {
  const std::map<std::string, std::string> listed = Listed();
  for (const OnnxCase& made : OnnxCasesOf(*GetParam())) {
    SCOPED_TRACE(made.name);
    absl::StatusOr<onnx_import::ImportedModel> model = Imported(made);
    if (listed.contains(made.name) || listed.contains(layers::Word(*GetParam()))) {
      EXPECT_EQ(model.status().code(), absl::StatusCode::kUnimplemented)
          << "it is listed, but is imported: " << model.status();
      continue;
    }
    ASSERT_TRUE(model.ok()) << model.status();
    for (const auto* ends : {&model->inputs, &model->outputs}) {
      for (const onnx_import::ImportedEnd& end : *ends)
        EXPECT_TRUE(std::ranges::is_sorted(end.axes)) << end.name << " has other axes than before";
    }
    ExpectSameOutputs(made, *std::move(model));
  }
}

}  // namespace
}  // namespace gradus::conformance
