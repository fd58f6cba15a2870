// SPDX-License-Identifier: Apache-2.0
// Streams tensors into a safetensors file.
#include "engine/trainer/weights_file.h"

#include <vector>

#include "engine/base/status.h"
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

}  // namespace gradus::trainer
