// SPDX-License-Identifier: Apache-2.0
// Streams tensors into a safetensors file, and takes them out of one.
#include "engine/trainer/weights_file.h"

#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/safetensors.h"
#include "engine/formats/safetensors_writer.h"
#include "engine/trainer/stored_file.h"

namespace gradus::trainer {

absl::StatusOr<StoredFile> WriteWeights(base::Files& files, const std::string& dir,
                                        const std::string& name,
                                        std::span<const plan::NamedTensor> weights,
                                        const std::string& weights_sha256) {
  std::vector<formats::TensorInfo> infos;
  for (const plan::NamedTensor& tensor : weights)
    infos.push_back({.name = tensor.name, .dtype = "F32", .shape = tensor.shape});
  ASSIGN_OR_RETURN(StoredFileWriter file, StoredFileWriter::Create(files, dir));
  ASSIGN_OR_RETURN(formats::SafetensorsWriter writer,
                   formats::SafetensorsWriter::Create(
                       infos, {{"weights_sha256", weights_sha256}},
                       [&file](std::span<const std::byte> bytes) { return file.Append(bytes); }));
  for (const plan::NamedTensor& tensor : weights)
    RETURN_IF_ERROR(writer.Append(std::span<const float>(tensor.values)));
  RETURN_IF_ERROR(writer.Finish().status());
  return file.Commit(name);
}

absl::StatusOr<std::vector<plan::NamedTensor>> ReadWeights(std::span<const std::byte> file) {
  const absl::StatusOr<formats::SafetensorsView> view = formats::SafetensorsView::Parse(file);
  if (!view.ok())
    return absl::DataLossError(
        absl::StrCat("the weights' file is damaged: ", view.status().message()));
  std::vector<plan::NamedTensor> weights;
  for (const formats::TensorInfo& info : view->tensors()) {
    if (info.dtype != "F32") {
      return absl::DataLossError(
          absl::StrCat("the weights' file is damaged: tensor \"", info.name, "\" is no F32"));
    }
    const std::span<const std::byte> bytes = view->Bytes(info);
    std::vector<float> values(bytes.size() / sizeof(float));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    weights.push_back({info.name, info.shape, std::move(values)});
  }
  return weights;
}

}  // namespace gradus::trainer
