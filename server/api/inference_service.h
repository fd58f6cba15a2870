// SPDX-License-Identifier: Apache-2.0
// inference.GRPCInferenceService: predictions by the registry's models, in the public protocol.
#pragma once

#include <functional>
#include <string>

#include "inference/grpc_predict_v2.grpc.pb.h"
#include "server/api/frame.h"
#include "server/api/servables.h"
#include "server/api/work_pool.h"
#include "server/registry/models.h"
#include "server/serving/pool.h"

namespace gradus::api {

// What predictions stand on; all outlive every call.
struct InferenceParts {
  const Frame* frame = nullptr;
  CallWatch* watch = nullptr;
  WorkPool* work = nullptr;
  const registry::Models* models = nullptr;
  serving::Pool* pool = nullptr;
  // The program's.
  std::string version;
  // Whether the server takes work.
  std::function<bool()> ready;
};

// The synchronous methods, with the one that waits taken over by the callback API.
using InferenceServiceBase = inference::GRPCInferenceService::WithCallbackMethod_ModelInfer<
    inference::GRPCInferenceService::Service>;

class InferenceService final : public InferenceServiceBase {
 public:
  explicit InferenceService(InferenceParts parts)
      : parts_(std::move(parts)), servables_(*parts_.models) {}

  grpc::Status ServerLive(grpc::ServerContext*, const inference::ServerLiveRequest*,
                          inference::ServerLiveResponse*) override;
  grpc::Status ServerReady(grpc::ServerContext*, const inference::ServerReadyRequest*,
                           inference::ServerReadyResponse*) override;
  grpc::Status ServerMetadata(grpc::ServerContext*, const inference::ServerMetadataRequest*,
                              inference::ServerMetadataResponse*) override;
  grpc::Status ModelReady(grpc::ServerContext*, const inference::ModelReadyRequest*,
                          inference::ModelReadyResponse*) override;
  grpc::Status ModelMetadata(grpc::ServerContext*, const inference::ModelMetadataRequest*,
                             inference::ModelMetadataResponse*) override;

  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext*,
                                       const inference::ModelInferRequest*,
                                       inference::ModelInferResponse*) override;

 private:
  absl::StatusOr<inference::ModelMetadataResponse> Describe(const std::string& ref);

  const InferenceParts parts_;
  Servables servables_;
};

}  // namespace gradus::api
