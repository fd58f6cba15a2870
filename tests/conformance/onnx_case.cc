// SPDX-License-Identifier: Apache-2.0
// Each kind's samples as whole models, with weights and rows.
#include "tests/conformance/onnx_case.h"

#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/onnx_export.h"
#include "engine/plan/predictor.h"
#include "tests/conformance/draws.h"

namespace gradus::conformance {
namespace {

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

}  // namespace

std::vector<OnnxCase> OnnxCasesOf(const layers::LayerKind& kind) {
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
      const auto count = static_cast<size_t>(kOnnxRows * input.values);
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

absl::StatusOr<std::vector<float>> Predicted(const graph::Graph& graph,
                                             std::span<const plan::NamedTensor> weights,
                                             std::span<const std::vector<float>> inputs) {
  ASSIGN_OR_RETURN(const auto predictor,
                   plan::Predictor::Create(graph, weights, {.batch_size = kOnnxRows}));
  std::vector<float> all;
  for (const std::vector<float>& input : inputs) all.insert(all.end(), input.begin(), input.end());
  std::vector<float> outputs(static_cast<size_t>(kOnnxRows * graph.output_values()));
  RETURN_IF_ERROR(predictor->Predict(all.data(), kOnnxRows, outputs.data()));
  return outputs;
}

}  // namespace gradus::conformance
