// SPDX-License-Identifier: Apache-2.0
// A published model as one ONNX file.
#pragma once

#include "absl/status/statusor.h"
#include "gradus/v1/model_service.pb.h"
#include "server/registry/models.h"

namespace gradus::api {

// The file that a request with format ONNX asks for; the same bytes each time.
//   Errors  as Models::Open and graph::ExportOnnx; INVALID_ARGUMENT for one that asks for some
//           layers alone.
absl::StatusOr<registry::ModelFile> OpenAsOnnx(const registry::Models& models,
                                               const v1::FetchModelRequest& request);

}  // namespace gradus::api
