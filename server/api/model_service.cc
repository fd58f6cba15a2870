// SPDX-License-Identifier: Apache-2.0
#include "server/api/model_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/layer_selection.h"
#include "server/api/onnx_file.h"

namespace gradus::api {
namespace {

constexpr size_t kPieceBytes = 512 << 10;
// A comparison reads the weights of two models where they are not the same.
constexpr int64_t kDiffMicros = 120'000'000;

absl::StatusOr<registry::ModelFile> OpenFile(const registry::Models& models,
                                             const v1::FetchModelRequest& request) {
  if (request.format() == v1::FetchModelRequest::ONNX) return OpenAsOnnx(models, request);
  if (!v1::FetchModelRequest::Format_IsValid(request.format())) {
    return base::InvalidArgument("format", absl::StrCat(request.format()), "SAFETENSORS or ONNX");
  }
  if (request.layers().empty()) return models.Open(request.ref());
  const std::vector<std::string> selectors(request.layers().begin(), request.layers().end());
  return models.Open(request.ref(), [&](std::span<const std::string> layers) {
    return graph::SelectLayers(layers, selectors, "layers");
  });
}

}  // namespace

grpc::Status ModelService::GetModel(grpc::ServerContext* context,
                                    const v1::GetModelRequest* request,
                                    v1::GetModelResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call&) -> absl::StatusOr<v1::GetModelResponse> {
                         v1::GetModelResponse found;
                         ASSIGN_OR_RETURN(*found.mutable_model(), models_.Get(request->ref()));
                         return found;
                       });
}

grpc::Status ModelService::ListModels(grpc::ServerContext* context,
                                      const v1::ListModelsRequest* request,
                                      v1::ListModelsResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call&) { return models_.List(*request); });
}

grpc::Status ModelService::FetchModel(grpc::ServerContext* context,
                                      const v1::FetchModelRequest* request,
                                      grpc::ServerWriter<v1::FetchModelResponse>* writer) {
  return frame_.HandleServerStream(
      context, *request, writer, [&](const Call&, const auto& send) -> absl::Status {
        ASSIGN_OR_RETURN(const registry::ModelFile file, OpenFile(models_, *request));
        v1::FetchModelResponse first;
        *first.mutable_header()->mutable_model() = file.model();
        first.mutable_header()->set_size(file.size());
        first.mutable_header()->set_sha256(file.sha256());
        RETURN_IF_ERROR(send(first));
        return file.Send(request->offset(), kPieceBytes,
                         [&](std::span<const std::byte> bytes) -> absl::Status {
                           v1::FetchModelResponse piece;
                           piece.set_data(bytes.data(), bytes.size());
                           return send(piece);
                         });
      });
}

grpc::Status ModelService::PushModel(grpc::ServerContext* context,
                                     const v1::PushModelRequest* request,
                                     v1::PushModelResponse* response) {
  return frame_.Handle(
      context, *request, response, [&](const Call& call) -> absl::StatusOr<v1::PushModelResponse> {
        v1::PushModelResponse begun;
        ASSIGN_OR_RETURN(*begun.mutable_upload(), uploads_.Begin(call.principal.user, *request));
        return begun;
      });
}

grpc::Status ModelService::RemoveModel(grpc::ServerContext* context,
                                       const v1::RemoveModelRequest* request,
                                       v1::RemoveModelResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call& call) -> absl::StatusOr<v1::RemoveModelResponse> {
                         RETURN_IF_ERROR(models_.Remove(call.Editor(), *request));
                         return v1::RemoveModelResponse();
                       });
}

grpc::Status ModelService::SetAlias(grpc::ServerContext* context,
                                    const v1::SetAliasRequest* request,
                                    v1::SetAliasResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call& call) { return models_.SetAlias(call.Editor(), *request); });
}

grpc::Status ModelService::RemoveAlias(grpc::ServerContext* context,
                                       const v1::RemoveAliasRequest* request,
                                       v1::RemoveAliasResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call& call) {
    return models_.RemoveAlias(call.Editor(), *request);
  });
}

grpc::Status ModelService::UpdateModel(grpc::ServerContext* context,
                                       const v1::UpdateModelRequest* request,
                                       v1::UpdateModelResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call& call) { return models_.Update(call.Editor(), *request); });
}

grpc::Status ModelService::SetRetention(grpc::ServerContext* context,
                                        const v1::SetRetentionRequest* request,
                                        v1::SetRetentionResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call& call) {
    return models_.SetRetention(call.Editor(), *request);
  });
}

grpc::Status ModelService::LogModel(grpc::ServerContext* context,
                                    const v1::LogModelRequest* request,
                                    v1::LogModelResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call&) { return models_.Log(*request); });
}

grpc::Status ModelService::DiffModels(grpc::ServerContext* context,
                                      const v1::DiffModelsRequest* request,
                                      v1::DiffModelsResponse* response) {
  return frame_.Handle(
      context, *request, response, [&](const Call&) { return models_.Diff(*request); },
      kDiffMicros);
}

}  // namespace gradus::api
