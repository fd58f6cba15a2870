// SPDX-License-Identifier: Apache-2.0
#include "server/api/dataset_service.h"

#include <memory>
#include <utility>

#include "engine/base/file_ops.h"
#include "engine/base/status.h"

namespace gradus::api {
namespace {

// Digests and the parsing child take their time with gigabytes.
constexpr int64_t kFinishMicros = int64_t{3600} * 1'000'000;

}  // namespace

grpc::Status DatasetService::BeginUpload(grpc::ServerContext* context,
                                         const v1::BeginUploadRequest* request,
                                         v1::BeginUploadResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call& call) -> absl::StatusOr<v1::BeginUploadResponse> {
                         v1::BeginUploadResponse begun;
                         ASSIGN_OR_RETURN(*begun.mutable_upload(),
                                          uploads_.Begin(call.principal.user, *request));
                         return begun;
                       });
}

grpc::Status DatasetService::GetUpload(grpc::ServerContext* context,
                                       const v1::GetUploadRequest* request,
                                       v1::GetUploadResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call&) -> absl::StatusOr<v1::GetUploadResponse> {
                         v1::GetUploadResponse found;
                         ASSIGN_OR_RETURN(*found.mutable_upload(), uploads_.Get(request->id()));
                         return found;
                       });
}

grpc::Status DatasetService::AppendUpload(grpc::ServerContext* context,
                                          grpc::ServerReader<v1::AppendUploadRequest>* reader,
                                          v1::AppendUploadResponse* response) {
  return frame_.HandleClientStream(
      context, reader, response,
      [&](const Call&, v1::AppendUploadRequest& first,
          const auto& next) -> absl::StatusOr<v1::AppendUploadResponse> {
        ASSIGN_OR_RETURN(const std::unique_ptr<registry::Appender> appender,
                         uploads_.Append(first.id(), first.file(), first.offset()));
        v1::AppendUploadRequest message = std::move(first);
        do {
          RETURN_IF_ERROR(appender->Append(base::AsBytes(message.data())));
        } while (next(&message));
        v1::AppendUploadResponse stored;
        ASSIGN_OR_RETURN(const int64_t committed, appender->Commit());
        stored.set_committed(committed);
        return stored;
      });
}

grpc::Status DatasetService::FinishUpload(grpc::ServerContext* context,
                                          const v1::FinishUploadRequest* request,
                                          v1::FinishUploadResponse* response) {
  return frame_.Handle(
      context, *request, response, [&](const Call&) { return uploads_.Finish(request->id()); },
      kFinishMicros);
}

grpc::Status DatasetService::AbortUpload(grpc::ServerContext* context,
                                         const v1::AbortUploadRequest* request,
                                         v1::AbortUploadResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call&) -> absl::StatusOr<v1::AbortUploadResponse> {
                         RETURN_IF_ERROR(uploads_.Abort(request->id()));
                         return v1::AbortUploadResponse();
                       });
}

grpc::Status DatasetService::GetDataset(grpc::ServerContext* context,
                                        const v1::GetDatasetRequest* request,
                                        v1::GetDatasetResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call&) -> absl::StatusOr<v1::GetDatasetResponse> {
                         v1::GetDatasetResponse found;
                         ASSIGN_OR_RETURN(*found.mutable_dataset(), datasets_.Get(request->name()));
                         return found;
                       });
}

grpc::Status DatasetService::ListDatasets(grpc::ServerContext* context,
                                          const v1::ListDatasetsRequest* request,
                                          v1::ListDatasetsResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call&) { return datasets_.List(*request); });
}

grpc::Status DatasetService::RemoveDataset(grpc::ServerContext* context,
                                           const v1::RemoveDatasetRequest* request,
                                           v1::RemoveDatasetResponse* response) {
  return frame_.Handle(context, *request, response,
                       [&](const Call& call) -> absl::StatusOr<v1::RemoveDatasetResponse> {
                         RETURN_IF_ERROR(datasets_.Remove(call.Editor(), *request));
                         return v1::RemoveDatasetResponse();
                       });
}

}  // namespace gradus::api
