// SPDX-License-Identifier: Apache-2.0
// What imported ONNX models say of rows.
//
//     import_rows --operators      the operators that are imported, one a line
//     import_rows < CASES          a line a case: MODEL, INPUTS and OUTPUTS, separated by tabs
//
// INPUTS and OUTPUTS are files of f32 values with ONNX's axes: all of the first input or output,
// then those of the second. A line an answer: "ok" and the layers' kinds, or what is wrong.
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/tensor.h"
#include "engine/graph/onnx_import/import.h"
#include "engine/graph/onnx_import/operators.h"
#include "engine/layers/kind.h"
#include "engine/plan/predictor.h"

namespace gradus {
namespace {

using onnx_import::ImportedEnd;
using onnx_import::ImportedModel;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Of a batch, along our axes. An axis of extent 1 that only we have does not show.
std::vector<int64_t> ShapeOf(int64_t rows, std::span<const int64_t> row, const ImportedEnd& end) {
  std::vector<int64_t> shape = {rows};
  shape.insert(shape.end(), row.begin(), row.end());
  shape.resize(end.axes.size());
  return shape;
}

// Values with ONNX's axes as ours.
std::vector<float> Ours(std::vector<float> values, int64_t rows, std::span<const int64_t> row,
                        const ImportedEnd& end) {
  const std::vector<int64_t> shape = ShapeOf(rows, row, end);
  onnx::Tensor tensor = {{}, std::vector<int64_t>(shape.size()), std::move(values)};
  for (size_t axis = 0; axis < shape.size(); ++axis) tensor.shape[end.axes[axis]] = shape[axis];
  return onnx::Permuted(tensor, end.axes).values;
}

// And back.
std::vector<float> Onnxs(std::vector<float> values, int64_t rows, std::span<const int64_t> row,
                         const ImportedEnd& end) {
  std::vector<size_t> back(end.axes.size());
  for (size_t axis = 0; axis < back.size(); ++axis) back[end.axes[axis]] = axis;
  return onnx::Permuted({{}, ShapeOf(rows, row, end), std::move(values)}, back).values;
}

absl::StatusOr<std::vector<float>> Predict(const graph::Graph& graph, ImportedModel& model,
                                           const std::vector<float>& given) {
  const auto rows = static_cast<int64_t>(given.size()) / graph.input_values();
  if (rows < 1 || rows * graph.input_values() != static_cast<int64_t>(given.size()))
    return absl::InvalidArgumentError(absl::StrCat(given.size(), " values are no rows"));
  std::vector<float> x;
  auto next = given.begin();
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const graph::ModelInput& input = graph.inputs()[i];
    const auto end = next + rows * input.values;
    const std::vector<float> ours = Ours({next, end}, rows, input.shape, model.inputs[i]);
    x.insert(x.end(), ours.begin(), ours.end());
    next = end;
  }
  std::vector<plan::NamedTensor> weights;
  for (size_t i = 0; i < model.weights.size(); ++i) {
    const graph::Parameter& parameter = graph.parameters()[i];
    weights.push_back({parameter.name, parameter.shape, std::move(model.weights[i])});
  }
  ASSIGN_OR_RETURN(const auto predictor,
                   plan::Predictor::Create(graph, weights, {.batch_size = rows}));
  int64_t values = 0;
  for (size_t i = 0; i < graph.outputs().size(); ++i) values += graph.output_values(i);
  std::vector<float> y(static_cast<size_t>(rows * values));
  RETURN_IF_ERROR(predictor->Predict(x.data(), rows, y.data()));
  std::vector<float> outputs;
  auto from = y.begin();
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const auto end = from + rows * graph.output_values(i);
    const std::vector<float> part =
        Onnxs({from, end}, rows, graph.output_shape(i), model.outputs[i]);
    outputs.insert(outputs.end(), part.begin(), part.end());
    from = end;
  }
  return outputs;
}

absl::StatusOr<std::string> Run(const std::vector<std::string>& files) {
  if (files.size() != 3) return absl::InvalidArgumentError("a case is three files");
  ASSIGN_OR_RETURN(const std::string file, ReadFile(files[0]));
  ASSIGN_OR_RETURN(ImportedModel model, onnx_import::ImportOnnx(std::as_bytes(std::span(file))));
  ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(model.spec));
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(files[1]));
  std::vector<float> given(bytes.size() / sizeof(float));
  std::memcpy(given.data(), bytes.data(), given.size() * sizeof(float));
  ASSIGN_OR_RETURN(const std::vector<float> outputs, Predict(graph, model, given));
  std::ofstream written(files[2], std::ios::binary);
  written.write(reinterpret_cast<const char*>(outputs.data()),
                static_cast<std::streamsize>(outputs.size() * sizeof(float)));
  if (!written.good()) return absl::UnknownError(files[2]);
  std::string words;
  for (const graph::Node& node : graph.nodes())
    absl::StrAppend(&words, " ", layers::Word(*node.kind));
  return words;
}

int Main(int count, char** words) {
  if (count == 2 && std::string(words[1]) == "--operators") {
    for (const onnx_import::OperatorFamily* family : onnx_import::Table())
      for (const onnx_import::Operator& op : family->operators) std::cout << op.name << "\n";
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const absl::StatusOr<std::string> answer = Run(absl::StrSplit(line, '\t'));
    std::cout << (answer.ok() ? "ok" + *answer : answer.status().ToString()) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace gradus

int main(int count, char** words) { return gradus::Main(count, words); }
