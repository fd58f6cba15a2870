// SPDX-License-Identifier: Apache-2.0
// Models that come as files: a definition and its weights.
#include <unistd.h>

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/dtype.h"
#include "engine/base/names.h"
#include "engine/data/convert.h"
#include "engine/graph/graph.h"
#include "engine/graph/onnx_import/import.h"
#include "server/worker/parse_task.h"
#include "server/worker/tensor_file.h"
#include "server/worker/weights_writer.h"

namespace gradus::worker {
namespace {

std::string ShapeText(std::span<const int64_t> shape) {
  return absl::StrCat("(", absl::StrJoin(shape, ", "), ")");
}

using TensorsByName = std::map<absl::string_view, const formats::TensorInfo*>;

// The file's tensor that is this parameter.
absl::StatusOr<const formats::TensorInfo*> FindTensor(const TensorsByName& tensors,
                                                      const graph::Parameter& parameter) {
  const auto found = tensors.find(parameter.name);
  if (found == tensors.end()) {
    return absl::InvalidArgumentError(absl::StrCat("there is no tensor \"", parameter.name,
                                                   "\" of the shape ", ShapeText(parameter.shape)));
  }
  if (found->second->shape != parameter.shape) {
    return absl::InvalidArgumentError(
        absl::StrCat("the tensor \"", parameter.name, "\" has the shape ",
                     ShapeText(found->second->shape), ", not ", ShapeText(parameter.shape)));
  }
  return found->second;
}

absl::Status CheckNoOthers(TensorsByName tensors, const graph::Graph& graph) {
  for (const graph::Parameter& parameter : graph.parameters()) tensors.erase(parameter.name);
  if (tensors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the tensor \"",
                                                 base::Shown(tensors.begin()->first),
                                                 "\" belongs to none of the model's layers"));
}

absl::Status CopyTensor(const TensorFile& file, const formats::TensorInfo& tensor,
                        WeightsWriter& weights) {
  ASSIGN_OR_RETURN(const base::DType dtype, base::ParseDType(tensor.dtype));
  const size_t element = base::SizeOf(dtype);
  std::vector<float> values;
  return file.Read(tensor, [&](std::span<const std::byte> bytes) {
    values.resize(bytes.size() / element);
    data::ConvertToF32(dtype, bytes.data(), static_cast<int64_t>(values.size()), 1, 0,
                       values.data());
    return weights.Add(values);
  });
}

absl::StatusOr<nlohmann::json> ReadTensorsOf(const v1::ModelSpec& spec, const FileTask& task,
                                             OutputFile& output) {
  ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(spec));
  ASSIGN_OR_RETURN(const TensorFile file, TensorFile::Open(task.input));
  TensorsByName tensors;
  for (const formats::TensorInfo& tensor : file.header().tensors) tensors[tensor.name] = &tensor;
  RETURN_IF_ERROR(CheckNoOthers(tensors, graph));
  WeightsWriter weights(graph, output);
  for (const graph::Parameter& parameter : graph.parameters()) {
    ASSIGN_OR_RETURN(const formats::TensorInfo* const tensor, FindTensor(tensors, parameter));
    weights.Begin(parameter);
    RETURN_IF_ERROR(CopyTensor(file, *tensor, weights));
  }
  return weights.Finish();
}

absl::StatusOr<std::vector<std::byte>> ReadAll(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (size < 0) return base::ErrnoStatus(errno, "input");
  std::vector<std::byte> bytes(static_cast<size_t>(size));
  ASSIGN_OR_RETURN(const size_t count, base::ReadFully(fd, 0, bytes, "input"));
  bytes.resize(count);
  return bytes;
}

absl::StatusOr<nlohmann::json> ReadOnnx(const FileTask& task, OutputFile& output) {
  ASSIGN_OR_RETURN(std::vector<std::byte> bytes, ReadAll(task.input));
  ASSIGN_OR_RETURN(const onnx_import::ImportedModel model, onnx_import::ImportOnnx(bytes));
  bytes = {};
  ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(model.spec));
  WeightsWriter weights(graph, output);
  for (size_t i = 0; i < model.weights.size(); ++i) {
    weights.Begin(graph.parameters()[i]);
    RETURN_IF_ERROR(weights.Add(model.weights[i]));
  }
  return weights.Finish();
}

}  // namespace

absl::StatusOr<nlohmann::json> ReadModel(const FileTask& task, const std::string& spec,
                                         OutputFile& output) {
  if (task.format == "ONNX") return ReadOnnx(task, output);
  if (task.format != "SAFETENSORS")
    return absl::UnimplementedError(
        absl::StrCat("a model cannot be read from the format ", task.format));
  v1::ModelSpec definition;
  if (!definition.ParseFromString(spec))
    return absl::InvalidArgumentError("request: the definition is none");
  return ReadTensorsOf(definition, task, output);
}

}  // namespace gradus::worker
