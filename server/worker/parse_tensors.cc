// SPDX-License-Identifier: Apache-2.0
// A safetensors file whose tensors are columns.
#include "server/worker/parse_column.h"
#include "server/worker/tensor_file.h"

namespace gradus::worker {

absl::StatusOr<nlohmann::json> ReadTensors(const FileTask& task, OutputFile& output) {
  ASSIGN_OR_RETURN(const TensorFile file, TensorFile::Open(task.input));
  if (file.header().tensors.empty())
    return absl::InvalidArgumentError("safetensors: there is no tensor in it");
  nlohmann::json columns = nlohmann::json::array();
  for (const formats::TensorInfo& tensor : file.header().tensors) {
    ASSIGN_OR_RETURN(ColumnWriter column,
                     ColumnWriter::Create(tensor.name, tensor.dtype, tensor.shape,
                                          HoldsLabels(tensor.name), output));
    RETURN_IF_ERROR(file.Read(
        tensor, [&](std::span<const std::byte> values) { return column.Append(values); }));
    columns.push_back(column.Describe());
  }
  return columns;
}

}  // namespace gradus::worker
