// SPDX-License-Identifier: Apache-2.0
// What the engine says of rows: predict_rows FOLDER ROWS INPUTS OUTPUTS, with FOLDER as `gradus
// model fetch` writes it. INPUTS and OUTPUTS are files of f32 values: all rows of the first input
// or output, then those of the second.
#include <google/protobuf/util/json_util.h>

#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/safetensors.h"
#include "engine/plan/predictor.h"

namespace gradus {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<float> FloatsOf(std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

absl::StatusOr<graph::Graph> ReadGraph(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
  v1::ModelSpec spec;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &spec);
  if (!parsed.ok()) return absl::InvalidArgumentError(std::string(parsed.message()));
  return graph::Graph::Create(spec);
}

absl::StatusOr<std::vector<plan::NamedTensor>> ReadWeights(const std::string& path,
                                                           const graph::Graph& graph) {
  ASSIGN_OR_RETURN(const std::string file, ReadFile(path));
  ASSIGN_OR_RETURN(const formats::SafetensorsView view,
                   formats::SafetensorsView::Parse(std::as_bytes(std::span(file))));
  std::vector<plan::NamedTensor> weights;
  for (const graph::Parameter& parameter : graph.parameters()) {
    ASSIGN_OR_RETURN(const std::span<const std::byte> bytes, view.Bytes(parameter.name));
    weights.push_back({parameter.name, parameter.shape, FloatsOf(bytes)});
  }
  return weights;
}

absl::Status Predict(const std::string& folder, int64_t rows, const std::string& inputs,
                     const std::string& outputs) {
  ASSIGN_OR_RETURN(const graph::Graph graph, ReadGraph(folder + "/model.json"));
  ASSIGN_OR_RETURN(const std::vector<plan::NamedTensor> weights,
                   ReadWeights(folder + "/weights.safetensors", graph));
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(inputs));
  const std::vector<float> x = FloatsOf(std::as_bytes(std::span(bytes)));
  if (static_cast<int64_t>(x.size()) != rows * graph.input_values())
    return absl::InvalidArgumentError(absl::StrCat(inputs, " has ", x.size(), " values"));
  ASSIGN_OR_RETURN(const auto predictor,
                   plan::Predictor::Create(graph, weights, {.batch_size = rows}));
  int64_t values = 0;
  for (size_t i = 0; i < graph.outputs().size(); ++i) values += graph.output_values(i);
  std::vector<float> y(static_cast<size_t>(rows * values));
  RETURN_IF_ERROR(predictor->Predict(x.data(), rows, y.data()));
  std::ofstream file(outputs, std::ios::binary);
  file.write(reinterpret_cast<const char*>(y.data()),
             static_cast<std::streamsize>(y.size() * sizeof(float)));
  return file.good() ? absl::OkStatus() : absl::UnknownError(outputs);
}

int Main(int count, char** words) {
  int64_t rows = 0;
  if (count != 5 || !absl::SimpleAtoi(words[2], &rows) || rows < 1) {
    std::cerr << "predict_rows FOLDER ROWS INPUTS OUTPUTS\n";
    return 2;
  }
  const absl::Status status = Predict(words[1], rows, words[3], words[4]);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace gradus

int main(int count, char** words) { return gradus::Main(count, words); }
