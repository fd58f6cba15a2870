// SPDX-License-Identifier: Apache-2.0
// Definition and weights of a published model, put together by the engine.
#include "server/api/onnx_file.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/onnx_export.h"

namespace gradus::api {

absl::StatusOr<registry::ModelFile> OpenAsOnnx(const registry::Models& models,
                                               const v1::FetchModelRequest& request) {
  if (!request.layers().empty()) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, "layers",
                            "an ONNX file is of the whole model");
  }
  ASSIGN_OR_RETURN(const registry::ModelFile weights, models.Open(request.ref()));
  const v1::Model& model = weights.model();
  ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(model.spec()));
  ASSIGN_OR_RETURN(std::string bytes,
                   graph::ExportOnnx(graph, absl::StrCat(model.name(), "@", model.version()),
                                     [&](const graph::Parameter& weight) {
                                       return weights.Values(weight.name);
                                     }));
  return registry::ModelFile::Of(model, std::move(bytes));
}

}  // namespace gradus::api
