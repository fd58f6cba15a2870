// SPDX-License-Identifier: Apache-2.0
// ModelService: the registry's models, and their weights as a stream.
#pragma once

#include "gradus/v1/model_service.grpc.pb.h"
#include "server/api/frame.h"
#include "server/registry/models.h"

namespace gradus::api {

class ModelService final : public v1::ModelService::Service {
 public:
  ModelService(const Frame& frame, registry::Models& models) : frame_(frame), models_(models) {}

  grpc::Status GetModel(grpc::ServerContext*, const v1::GetModelRequest*,
                        v1::GetModelResponse*) override;
  grpc::Status ListModels(grpc::ServerContext*, const v1::ListModelsRequest*,
                          v1::ListModelsResponse*) override;
  grpc::Status FetchModel(grpc::ServerContext*, const v1::FetchModelRequest*,
                          grpc::ServerWriter<v1::FetchModelResponse>*) override;
  grpc::Status RemoveModel(grpc::ServerContext*, const v1::RemoveModelRequest*,
                           v1::RemoveModelResponse*) override;

 private:
  const Frame& frame_;
  registry::Models& models_;
};

}  // namespace gradus::api
