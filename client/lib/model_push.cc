// SPDX-License-Identifier: Apache-2.0
#include "gradus/model_push.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "internal/upload.h"
#include "proto/support/status_macros.h"

namespace gradus {

absl::StatusOr<v1::Model> PushModel(const Client& client, const std::string& name,
                                    const ModelFile& file, const PushOptions& options) {
  internal::Uploader uploader(client, options);
  v1::UploadFile description;
  description.set_format(file.format);
  RETURN_IF_ERROR(uploader.Add(file.path, std::move(description)));
  RETURN_IF_ERROR(uploader.Hash());
  v1::PushModelRequest request;
  request.set_name(name);
  *request.mutable_file() = uploader.description(0);
  if (file.definition.has_value()) *request.mutable_model() = *file.definition;
  const std::string content = absl::StrCat("model\n", request.SerializeAsString());
  const auto begin = [&](const std::string& request_id) -> absl::StatusOr<v1::Upload> {
    request.set_request_id(request_id);
    v1::PushModelResponse begun;
    RETURN_IF_ERROR(uploader.Unary(&Connection::PushModel, request, &begun));
    return begun.upload();
  };
  v1::Model model;
  const auto take = [&](const v1::FinishUploadResponse& finished) -> absl::Status {
    // NOT_FOUND where the version that an earlier push became was removed since.
    ASSIGN_OR_RETURN(model, client.GetModel(finished.model()));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(uploader.Run(content, begin, take));
  return model;
}

}  // namespace gradus
