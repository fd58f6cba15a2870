// SPDX-License-Identifier: Apache-2.0
// Chunked streams with offsets; the digest decides at the end.
#include "server/worker/blob_transfer.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "proto/support/status_grpc.h"
#include "server/worker/backoff.h"

namespace gradus::worker {
namespace {

constexpr int64_t kChunk = 256 << 10;

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span<const char>(text));
}

}  // namespace

// Sends `bytes` bytes from `offset` on; returns what the server then has. With none it only asks.
absl::StatusOr<int64_t> BlobTransfer::UploadFrom(const base::File& file, const v1::BlobRef& ref,
                                                 int64_t offset, int64_t bytes) {
  const std::shared_ptr<v1::WorkerService::StubInterface> stub = link_.stub();
  Call call(link_);
  v1::UploadBlobResponse response;
  const auto writer = stub->UploadBlob(call.context(), &response);
  v1::UploadBlobRequest request;
  request.set_fence(link_.fence());
  *request.mutable_ref() = ref;
  request.set_offset(offset);
  bool open = writer->Write(request);
  request.Clear();
  for (int64_t sent = 0; open && sent < bytes;) {
    std::string* data = request.mutable_data();
    data->resize(static_cast<size_t>(std::min(kChunk, bytes - sent)));
    const absl::StatusOr<size_t> got = file.ReadAt(static_cast<uint64_t>(offset + sent),
                                                   std::as_writable_bytes(std::span<char>(*data)));
    if (!got.ok() || *got != data->size()) {
      call.context()->TryCancel();
      writer->Finish();
      return got.ok() ? absl::DataLossError("a file to upload is shorter than its digest says")
                      : got.status();
    }
    sent += static_cast<int64_t>(*got);
    open = writer->Write(request);
  }
  if (open) writer->WritesDone();
  RETURN_IF_ERROR(support::FromGrpc(writer->Finish()));
  return response.committed();
}

absl::Status BlobTransfer::Upload(const std::string& path, const v1::BlobRef& ref) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::File> file, files_.OpenRead(path));
  Backoff backoff(random_);
  int64_t stored = 0;
  bool known = true;  // what is stored; at first nothing, which costs nothing when it is wrong
  while (true) {
    const absl::StatusOr<int64_t> committed =
        UploadFrom(*file, ref, stored, known ? ref.size() - stored : 0);
    if (committed.ok()) {
      if (*committed == ref.size()) return absl::OkStatus();
      if (*committed < 0 || *committed > ref.size())
        return absl::InternalError("the server has more of a blob than there is");
      if (*committed > stored) backoff.Reset();
      // A server that takes nothing of what it was sent must not be asked without pause.
      if (known && *committed <= stored && !link_.Sleep(backoff.NextMicros()))
        return absl::CancelledError("shutting down");
      stored = *committed;
      known = true;
      continue;
    }
    // OUT_OF_RANGE: the server has lost what it had said it has; it is asked anew.
    const bool lost = absl::IsOutOfRange(committed.status()) && stored > 0;
    if (!MayPass(committed.status()) && !lost) return committed.status();
    link_.Renew();
    if (!link_.Sleep(backoff.NextMicros())) return absl::CancelledError("shutting down");
    stored = 0;
    known = false;
  }
}

absl::Status BlobTransfer::FetchMore(const v1::BlobRef& ref, base::File& file, uint64_t* size) {
  const std::shared_ptr<v1::WorkerService::StubInterface> stub = link_.stub();
  Call call(link_);
  v1::FetchBlobRequest request;
  request.set_fence(link_.fence());
  request.set_sha256(ref.sha256());
  request.set_offset(static_cast<int64_t>(*size));
  const auto reader = stub->FetchBlob(call.context(), request);
  v1::FetchBlobResponse response;
  absl::Status written;
  while (written.ok() && reader->Read(&response)) {
    if (*size + response.data().size() > static_cast<uint64_t>(ref.size()))
      written = absl::DataLossError("the server sent more than the blob's size");
    if (written.ok()) written = file.WriteAt(*size, BytesOf(response.data()));
    if (written.ok()) *size += response.data().size();
  }
  if (!written.ok()) call.context()->TryCancel();
  const absl::Status status = support::FromGrpc(reader->Finish());
  return written.ok() ? status : written;
}

absl::Status BlobTransfer::Fetch(const v1::BlobRef& ref, const std::string& path) {
  const std::string part = absl::StrCat(path, ".part");
  ASSIGN_OR_RETURN(const std::unique_ptr<base::File> file,
                   files_.OpenWrite(part, {.create = true}));
  ASSIGN_OR_RETURN(uint64_t size, file->Size());
  const uint64_t whole = static_cast<uint64_t>(ref.size());
  if (size > whole) {
    RETURN_IF_ERROR(file->Truncate(0));
    size = 0;
  }
  Backoff backoff(random_);
  while (size < whole) {
    const uint64_t before = size;
    const absl::Status status = FetchMore(ref, *file, &size);
    if (!status.ok() && !MayPass(status)) return status;
    if (size > before) backoff.Reset();
    if (size == whole) break;
    if (!status.ok()) link_.Renew();
    if (!link_.Sleep(backoff.NextMicros())) return absl::CancelledError("shutting down");
  }
  ASSIGN_OR_RETURN(const base::MappedFile mapped, files_.Map(part));
  if (base::Sha256Hex(mapped.bytes()) != ref.sha256()) {
    RETURN_IF_ERROR(file->Truncate(0));
    return absl::DataLossError(absl::StrCat("blob ", ref.sha256(), " came with other bytes"));
  }
  return files_.Rename(part, path);
}

}  // namespace gradus::worker
