// SPDX-License-Identifier: Apache-2.0
// DatasetService: uploads in resumable pieces, and the datasets that come of them.
#pragma once

#include "gradus/v1/dataset_service.grpc.pb.h"
#include "server/api/frame.h"
#include "server/registry/datasets.h"
#include "server/registry/uploads.h"

namespace gradus::api {

class DatasetService final : public v1::DatasetService::Service {
 public:
  DatasetService(const Frame& frame, registry::Datasets& datasets, registry::Uploads& uploads)
      : frame_(frame), datasets_(datasets), uploads_(uploads) {}

  grpc::Status BeginUpload(grpc::ServerContext*, const v1::BeginUploadRequest*,
                           v1::BeginUploadResponse*) override;
  grpc::Status GetUpload(grpc::ServerContext*, const v1::GetUploadRequest*,
                         v1::GetUploadResponse*) override;
  grpc::Status AppendUpload(grpc::ServerContext*, grpc::ServerReader<v1::AppendUploadRequest>*,
                            v1::AppendUploadResponse*) override;
  grpc::Status FinishUpload(grpc::ServerContext*, const v1::FinishUploadRequest*,
                            v1::FinishUploadResponse*) override;
  grpc::Status AbortUpload(grpc::ServerContext*, const v1::AbortUploadRequest*,
                           v1::AbortUploadResponse*) override;
  grpc::Status GetDataset(grpc::ServerContext*, const v1::GetDatasetRequest*,
                          v1::GetDatasetResponse*) override;
  grpc::Status ListDatasets(grpc::ServerContext*, const v1::ListDatasetsRequest*,
                            v1::ListDatasetsResponse*) override;
  grpc::Status RemoveDataset(grpc::ServerContext*, const v1::RemoveDatasetRequest*,
                             v1::RemoveDatasetResponse*) override;

 private:
  const Frame& frame_;
  registry::Datasets& datasets_;
  registry::Uploads& uploads_;
};

}  // namespace gradus::api
