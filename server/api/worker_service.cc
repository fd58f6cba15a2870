// SPDX-License-Identifier: Apache-2.0
#include "server/api/worker_service.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"

namespace gradus::api {
namespace {

constexpr size_t kChunkBytes = 512 << 10;

executors::RankKey KeyOf(const auth::Principal& rank, int64_t fence) {
  return {.job = rank.job, .attempt = rank.attempt, .fence = fence};
}

// Brings the stream's bytes to the writer, leaving out those that it has; OK at the stream's end,
// complete or not.
class Intake {
 public:
  Intake(store::BlobWriter& writer, int64_t offset) : writer_(writer), offset_(offset) {}

  absl::Status Take(const std::string& data) {
    std::span<const std::byte> bytes = base::AsBytes(data);
    const int64_t known =
        std::min<int64_t>(writer_.committed() - offset_, static_cast<int64_t>(bytes.size()));
    offset_ += static_cast<int64_t>(bytes.size());
    bytes = bytes.subspan(static_cast<size_t>(known));
    return bytes.empty() ? absl::OkStatus() : writer_.Append(bytes);
  }

 private:
  store::BlobWriter& writer_;
  int64_t offset_;  // where the next data starts; never beyond what is stored
};

absl::Status CheckOffset(int64_t offset, int64_t committed) {
  if (offset >= 0 && offset <= committed) return absl::OkStatus();
  return base::FieldError(
      absl::StatusCode::kOutOfRange, "offset",
      absl::StrCat(offset, " is not within the ", committed, " bytes that are stored"));
}

}  // namespace

grpc::ServerBidiReactor<v1::AttachRequest, v1::AttachResponse>* WorkerService::Attach(
    grpc::CallbackServerContext* context) {
  return new AttachReactor(streams_, jobs_, *context);
}

grpc::Status WorkerService::FetchBlob(grpc::ServerContext* context,
                                      const v1::FetchBlobRequest* request,
                                      grpc::ServerWriter<v1::FetchBlobResponse>* writer) {
  return frame_.HandleServerStream(
      context, *request, writer, [&](const Call& call, const auto& send) -> absl::Status {
        ASSIGN_OR_RETURN(
            const v1::BlobRef ref,
            jobs_.AssignedBlob(KeyOf(call.principal, request->fence()), request->sha256()));
        ASSIGN_OR_RETURN(const base::MappedFile blob, blobs_.Map(ref));
        RETURN_IF_ERROR(CheckOffset(request->offset(), ref.size()));
        std::span<const std::byte> left =
            blob.bytes().subspan(static_cast<size_t>(request->offset()));
        while (!left.empty()) {
          const std::span<const std::byte> piece = left.first(std::min(kChunkBytes, left.size()));
          v1::FetchBlobResponse response;
          response.set_data(piece.data(), piece.size());
          RETURN_IF_ERROR(send(response));
          left = left.subspan(piece.size());
        }
        return absl::OkStatus();
      });
}

grpc::Status WorkerService::UploadBlob(grpc::ServerContext* context,
                                       grpc::ServerReader<v1::UploadBlobRequest>* reader,
                                       v1::UploadBlobResponse* response) {
  return frame_.HandleClientStream(
      context, reader, response,
      [&](const Call& call, v1::UploadBlobRequest& first,
          const auto& next) -> absl::StatusOr<v1::UploadBlobResponse> {
        const executors::RankKey key = KeyOf(call.principal, first.fence());
        const v1::BlobRef ref = first.ref();
        RETURN_IF_ERROR(jobs_.CheckFence(key));
        ASSIGN_OR_RETURN(const std::unique_ptr<store::BlobWriter> writer,
                         blobs_.Write(ref, jobs_.FenceGuard(key)));
        RETURN_IF_ERROR(CheckOffset(first.offset(), writer->committed()));
        Intake intake(*writer, first.offset());
        v1::UploadBlobRequest message = std::move(first);
        do {
          RETURN_IF_ERROR(intake.Take(message.data()));
        } while (next(&message));
        if (writer->committed() == ref.size()) RETURN_IF_ERROR(writer->Commit());
        v1::UploadBlobResponse stored;
        stored.set_committed(writer->committed());
        return stored;
      });
}

grpc::Status WorkerService::PutNote(grpc::ServerContext* context, const v1::PutNoteRequest* request,
                                    v1::PutNoteResponse* response) {
  return frame_.Handle(
      context, *request, response, [&](const Call& call) -> absl::StatusOr<v1::PutNoteResponse> {
        RETURN_IF_ERROR(jobs_.PutNote(KeyOf(call.principal, request->fence()), *request));
        return v1::PutNoteResponse();
      });
}

grpc::Status WorkerService::GetNotes(grpc::ServerContext* context,
                                     const v1::GetNotesRequest* request,
                                     v1::GetNotesResponse* response) {
  return frame_.Handle(context, *request, response, [&](const Call& call) {
    return jobs_.GetNotes(KeyOf(call.principal, request->fence()), *request);
  });
}

}  // namespace gradus::api
