// SPDX-License-Identifier: Apache-2.0
// One prediction: holds no thread while it waits for its model.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>

#include "inference/grpc_predict_v2.pb.h"
#include "server/api/call_watch.h"
#include "server/api/infer_tensors.h"
#include "server/api/inference_service.h"

namespace gradus::api {

// Its steps run on the work pool, one after another; the last one is Finish, after which it is not
// touched. Deletes itself when the call is done.
class InferReactor final : public grpc::ServerUnaryReactor {
 public:
  InferReactor(const InferenceParts& parts, Servables& servables,
               grpc::CallbackServerContext& context, const inference::ModelInferRequest& request,
               inference::ModelInferResponse* response);

 private:
  void OnDone() override { delete this; }

  // Finds the version and asks it.
  absl::Status Begin();
  void Answer(absl::StatusOr<std::string> outputs);
  void End(const absl::Status& status);

  const InferenceParts& parts_;
  Servables& servables_;
  grpc::CallbackServerContext& context_;
  const inference::ModelInferRequest& request_;
  inference::ModelInferResponse* const response_;
  std::unique_ptr<CallWatch::Guard> guard_;
  Call call_;
  std::shared_ptr<const Servable> servable_;
  InferRows rows_;
};

// "name@version" of what requests call a model and its version; either may be in the name alone.
absl::StatusOr<std::string> InferenceRef(const std::string& name, const std::string& version);

}  // namespace gradus::api
