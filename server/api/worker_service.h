// SPDX-License-Identifier: Apache-2.0
// WorkerService: a rank's one stream, the blobs it takes and brings, and what it leaves for others.
#pragma once

#include "gradus/v1/worker_service.grpc.pb.h"
#include "server/api/attach_reactor.h"
#include "server/jobs/jobs.h"
#include "server/store/blobs.h"

namespace gradus::api {

using WorkerServiceBase = v1::WorkerService::WithCallbackMethod_Attach<v1::WorkerService::Service>;

class WorkerService final : public WorkerServiceBase {
 public:
  WorkerService(const StreamParts& streams, jobs::Jobs& jobs, store::BlobStore& blobs)
      : frame_(*streams.frame), streams_(streams), jobs_(jobs), blobs_(blobs) {}

  grpc::ServerBidiReactor<v1::AttachRequest, v1::AttachResponse>* Attach(
      grpc::CallbackServerContext*) override;
  grpc::Status FetchBlob(grpc::ServerContext*, const v1::FetchBlobRequest*,
                         grpc::ServerWriter<v1::FetchBlobResponse>*) override;
  grpc::Status UploadBlob(grpc::ServerContext*, grpc::ServerReader<v1::UploadBlobRequest>*,
                          v1::UploadBlobResponse*) override;
  grpc::Status PutNote(grpc::ServerContext*, const v1::PutNoteRequest*,
                       v1::PutNoteResponse*) override;
  grpc::Status GetNotes(grpc::ServerContext*, const v1::GetNotesRequest*,
                        v1::GetNotesResponse*) override;

 private:
  const Frame& frame_;
  const StreamParts streams_;
  jobs::Jobs& jobs_;
  store::BlobStore& blobs_;
};

}  // namespace gradus::api
