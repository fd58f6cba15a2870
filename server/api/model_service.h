// SPDX-License-Identifier: Apache-2.0
// ModelService: the registry's models, their weights as a stream, and models on their way in.
#pragma once

#include "gradus/v1/model_service.grpc.pb.h"
#include "server/api/frame.h"
#include "server/registry/models.h"
#include "server/registry/uploads.h"

namespace gradus::api {

class ModelService final : public v1::ModelService::Service {
 public:
  ModelService(const Frame& frame, registry::Models& models, registry::Uploads& uploads)
      : frame_(frame), models_(models), uploads_(uploads) {}

  grpc::Status GetModel(grpc::ServerContext*, const v1::GetModelRequest*,
                        v1::GetModelResponse*) override;
  grpc::Status ListModels(grpc::ServerContext*, const v1::ListModelsRequest*,
                          v1::ListModelsResponse*) override;
  grpc::Status FetchModel(grpc::ServerContext*, const v1::FetchModelRequest*,
                          grpc::ServerWriter<v1::FetchModelResponse>*) override;
  grpc::Status PushModel(grpc::ServerContext*, const v1::PushModelRequest*,
                         v1::PushModelResponse*) override;
  grpc::Status RemoveModel(grpc::ServerContext*, const v1::RemoveModelRequest*,
                           v1::RemoveModelResponse*) override;
  grpc::Status SetAlias(grpc::ServerContext*, const v1::SetAliasRequest*,
                        v1::SetAliasResponse*) override;
  grpc::Status RemoveAlias(grpc::ServerContext*, const v1::RemoveAliasRequest*,
                           v1::RemoveAliasResponse*) override;
  grpc::Status UpdateModel(grpc::ServerContext*, const v1::UpdateModelRequest*,
                           v1::UpdateModelResponse*) override;
  grpc::Status SetRetention(grpc::ServerContext*, const v1::SetRetentionRequest*,
                            v1::SetRetentionResponse*) override;
  grpc::Status LogModel(grpc::ServerContext*, const v1::LogModelRequest*,
                        v1::LogModelResponse*) override;
  grpc::Status DiffModels(grpc::ServerContext*, const v1::DiffModelsRequest*,
                          v1::DiffModelsResponse*) override;

 private:
  const Frame& frame_;
  registry::Models& models_;
  registry::Uploads& uploads_;
};

}  // namespace gradus::api
