// SPDX-License-Identifier: Apache-2.0
// A model's definition and weights come from the server into a folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gradus/client.h"
#include "gradus/v1/model_service.pb.h"

namespace gradus {

struct FetchOptions {
  // Only these layers' tensors: names, or one slice as in Python (":-1"). Empty: all.
  std::vector<std::string> layers;
  // Where weights files are kept by their digest, shared among models (see model_cache.h): what is
  // there is not moved again, and `folder` has a link. Empty: the file is in `folder` itself.
  std::string blob_folder;
  // SAFETENSORS where nothing is said.
  v1::FetchModelRequest::Format format = v1::FetchModelRequest::FORMAT_UNSPECIFIED;
  // Called now and then with bytes done and bytes of all, on the calling thread.
  std::function<void(int64_t done, int64_t total)> progress;
};

// Writes `folder`/model.json (the definition), README.md (the card) and FileName(format). The
// folder is made if need be, once the model is known to be there. No file has its name before all
// three are complete, synced and the weights' digest is verified. A broken transfer goes on where
// it broke, in this call or in the next one.
//   Returns  the model, with its spec.
//   Errors   as Client; DATA_LOSS when the bytes that came have another digest; FAILED_PRECONDITION
//            when `folder` is a file, or another fetch writes to it; what the file system says
//            (PERMISSION_DENIED, RESOURCE_EXHAUSTED for a full disk, ...), with the path.
absl::StatusOr<v1::Model> FetchModel(const Client& client, const std::string& ref,
                                     const std::string& folder, const FetchOptions& options = {});

// Writes that third file alone, under the name `file`; otherwise the same.
absl::StatusOr<v1::Model> ExportModel(const Client& client, const std::string& ref,
                                      const std::string& file, const FetchOptions& options = {});

// "weights.safetensors" or "model.onnx".
const char* FileName(v1::FetchModelRequest::Format format);

// The card: its owner's, else what the model is, what it was made from and how, what it reached,
// who may use it, and what FileName(format) holds. Markdown.
std::string ModelCard(const v1::Model& model,
                      v1::FetchModelRequest::Format format = v1::FetchModelRequest::SAFETENSORS);

}  // namespace gradus
