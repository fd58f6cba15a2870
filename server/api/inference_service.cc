// SPDX-License-Identifier: Apache-2.0
#include "server/api/inference_service.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/api/infer_reactor.h"

namespace gradus::api {
namespace {

constexpr char kName[] = "gradus";

void Describe(const SignatureTensor& tensor,
              inference::ModelMetadataResponse::TensorMetadata* metadata) {
  metadata->set_name(tensor.name);
  metadata->set_datatype("FP32");
  metadata->add_shape(-1);
  for (const int64_t dimension : tensor.shape) metadata->add_shape(dimension);
}

}  // namespace

grpc::Status InferenceService::ServerLive(grpc::ServerContext* context,
                                          const inference::ServerLiveRequest* request,
                                          inference::ServerLiveResponse* response) {
  return parts_.frame->Handle(context, *request, response,
                              [&](const Call&) -> absl::StatusOr<inference::ServerLiveResponse> {
                                inference::ServerLiveResponse live;
                                live.set_live(true);
                                return live;
                              });
}

grpc::Status InferenceService::ServerReady(grpc::ServerContext* context,
                                           const inference::ServerReadyRequest* request,
                                           inference::ServerReadyResponse* response) {
  return parts_.frame->Handle(context, *request, response,
                              [&](const Call&) -> absl::StatusOr<inference::ServerReadyResponse> {
                                inference::ServerReadyResponse ready;
                                ready.set_ready(parts_.ready());
                                return ready;
                              });
}

grpc::Status InferenceService::ServerMetadata(grpc::ServerContext* context,
                                              const inference::ServerMetadataRequest* request,
                                              inference::ServerMetadataResponse* response) {
  return parts_.frame->Handle(
      context, *request, response,
      [&](const Call&) -> absl::StatusOr<inference::ServerMetadataResponse> {
        inference::ServerMetadataResponse metadata;
        metadata.set_name(kName);
        metadata.set_version(parts_.version);
        return metadata;
      });
}

grpc::Status InferenceService::ModelReady(grpc::ServerContext* context,
                                          const inference::ModelReadyRequest* request,
                                          inference::ModelReadyResponse* response) {
  return parts_.frame->Handle(context, *request, response,
                              [&](const Call&) -> absl::StatusOr<inference::ModelReadyResponse> {
                                ASSIGN_OR_RETURN(const std::string ref,
                                                 InferenceRef(request->name(), request->version()));
                                const absl::Status found = servables_.Find(ref).status();
                                if (!found.ok() && !absl::IsNotFound(found)) return found;
                                inference::ModelReadyResponse ready;
                                ready.set_ready(found.ok());
                                return ready;
                              });
}

absl::StatusOr<inference::ModelMetadataResponse> InferenceService::Describe(
    const std::string& ref) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const Servable> servable, servables_.Find(ref));
  inference::ModelMetadataResponse metadata;
  metadata.set_name(servable->name);
  metadata.set_platform(kName);
  for (const SignatureTensor& input : servable->signature.inputs)
    api::Describe(input, metadata.add_inputs());
  for (const SignatureTensor& output : servable->signature.outputs)
    api::Describe(output, metadata.add_outputs());
  ASSIGN_OR_RETURN(const std::vector<int64_t> versions, parts_.models->Versions(servable->name));
  for (const int64_t version : versions) metadata.add_versions(absl::StrCat(version));
  return metadata;
}

grpc::Status InferenceService::ModelMetadata(grpc::ServerContext* context,
                                             const inference::ModelMetadataRequest* request,
                                             inference::ModelMetadataResponse* response) {
  return parts_.frame->Handle(context, *request, response,
                              [&](const Call&) -> absl::StatusOr<inference::ModelMetadataResponse> {
                                ASSIGN_OR_RETURN(const std::string ref,
                                                 InferenceRef(request->name(), request->version()));
                                return Describe(ref);
                              });
}

grpc::ServerUnaryReactor* InferenceService::ModelInfer(grpc::CallbackServerContext* context,
                                                       const inference::ModelInferRequest* request,
                                                       inference::ModelInferResponse* response) {
  return new InferReactor(parts_, servables_, *context, *request, response);
}

}  // namespace gradus::api
