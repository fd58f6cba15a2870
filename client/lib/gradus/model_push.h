// SPDX-License-Identifier: Apache-2.0
// A file becomes the next version of a model on the server.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "gradus/client.h"
#include "gradus/data_push.h"
#include "gradus/v1/model.pb.h"
#include "gradus/v1/model_service.pb.h"

namespace gradus {

// What to send.
struct ModelFile {
  std::string path;
  // SAFETENSORS: the weights of `definition`, under the names and in the shapes that FetchModel
  // writes. ONNX: both are in the file.
  v1::UploadFile::Format format = v1::UploadFile::SAFETENSORS;
  std::optional<v1::ModelSpec> definition;
};

// Sends the file in chunks, and has it read and published; returns the version. What was sent
// survives a broken connection, and a second call with the same name, file and definition goes on
// where the first one was broken off, or within a week returns the version that it became.
//   Errors   as PushDataset; INVALID_ARGUMENT for a definition that makes no network, or weights
//            that are not its.
absl::StatusOr<v1::Model> PushModel(const Client& client, const std::string& name,
                                    const ModelFile& file, const PushOptions& options = {});

}  // namespace gradus
