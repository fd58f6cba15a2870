// SPDX-License-Identifier: Apache-2.0
// A safetensors file whose tensors are columns.
#include "absl/strings/str_cat.h"
#include "server/worker/parse_column.h"
#include "server/worker/tensor_file.h"

namespace gradus::worker {

absl::StatusOr<nlohmann::json> ReadTensors(const FileTask& task, OutputFile& output) {
  ASSIGN_OR_RETURN(const TensorFile file, TensorFile::Open(task.input));
  if (file.header().tensors.empty())
    return absl::InvalidArgumentError("safetensors: there is no tensor in it");
  if (file.header().tensors.size() > kMaxArrays) {
    return absl::InvalidArgumentError(absl::StrCat("safetensors: ", file.header().tensors.size(),
                                                   " tensors, at most ", kMaxArrays,
                                                   " can be columns"));
  }
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
