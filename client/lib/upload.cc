// SPDX-License-Identifier: Apache-2.0
#include "internal/upload.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "internal/sha256.h"
#include "proto/support/status.h"
#include "proto/support/utf8.h"

namespace gradus::internal {
namespace {

using Phase = PushProgress::Phase;

// A request_id that was used for the same contents once leads to an upload that is gone; then the
// next one is tried.
constexpr int kMostGenerations = 20;

// With all around it below 1 MiB, which no message exceeds.
constexpr int64_t kMostChunk = (1 << 20) - 4096;

constexpr absl::Duration kLongestParse = absl::Minutes(15);

// A call that fails after more than this had reached the server.
constexpr absl::Duration kLongestConnect = absl::Seconds(30);

absl::Status Changed(const v1::UploadFile& file) {
  return absl::InvalidArgumentError(
      absl::StrCat(file.name(), ": the file changed while it was read"));
}

}  // namespace

absl::Status Uploader::Add(const std::string& path, v1::UploadFile description) {
  ASSIGN_OR_RETURN(File opened, File::Open(path));
  ASSIGN_OR_RETURN(const int64_t size, opened.Size());
  if (size == 0) return absl::InvalidArgumentError(absl::StrCat(path, ": the file is empty"));
  total_ += size;
  description.set_name(support::Printable(std::filesystem::path(path).filename().string(), true));
  description.set_size(size);
  locals_.push_back({std::move(opened), std::move(description)});
  return absl::OkStatus();
}

absl::Status Uploader::Hash() {
  for (Local& local : locals_) RETURN_IF_ERROR(HashOne(local));
  return absl::OkStatus();
}

absl::Status Uploader::HashOne(Local& local) {
  Sha256 digest;
  std::string buffer(1 << 20, '\0');
  int64_t offset = 0;
  while (offset < local.description.size()) {
    if (client_.stop().stop_requested()) return absl::CancelledError("stopped");
    ASSIGN_OR_RETURN(const size_t got, local.file.ReadAt(offset, buffer));
    if (got == 0) return Changed(local.description);
    digest.Update(absl::string_view(buffer).substr(0, got));
    offset += static_cast<int64_t>(got);
    hashed_ += static_cast<int64_t>(got);
    Report(Phase::kHashing, hashed_);
  }
  local.description.set_sha256(digest.Finish());
  return absl::OkStatus();
}

absl::Status Uploader::Run(absl::string_view content, Begin begin, Take take) {
  absl::Status gone;
  for (int generation = 0; generation < kMostGenerations; ++generation) {
    const absl::Status status = Attempt(RequestId(content, generation), begin, take);
    // An upload of the past, finished and removed, or refused, or abandoned and swept away.
    if (!absl::IsNotFound(status)) return status;
    gone = status;
  }
  return gone;
}

// The same for the same contents, so that a later call finds what an earlier one has sent.
std::string Uploader::RequestId(absl::string_view content, int generation) const {
  std::string all = absl::StrCat(content, "\n", generation, "\n");
  for (const Local& local : locals_)
    absl::StrAppend(&all, local.description.SerializeAsString(), "\n");
  return absl::StrCat("push-", Sha256Of(all).substr(0, 32));
}

absl::Status Uploader::Attempt(const std::string& request_id, Begin begin, Take take) {
  ASSIGN_OR_RETURN(const v1::Upload begun, begin(request_id));
  if (begun.committed_size() != static_cast<int>(locals_.size()))
    return absl::InternalError("the server's upload has other files than were sent");
  sent_before_ = 0;
  for (int i = 0; i < begun.committed_size(); ++i)
    RETURN_IF_ERROR(SendFile(begun.id(), i, begun.committed(i)));
  Report(Phase::kParsing, total_);
  v1::FinishUploadRequest finish;
  finish.set_id(begun.id());
  v1::FinishUploadResponse finished;
  RETURN_IF_ERROR(Finish(finish, &finished));
  return take(finished);
}

// Parsing takes as long as it takes: one attempt may last, but a server that stays away is told
// of as soon as ever.
absl::Status Uploader::Finish(const v1::FinishUploadRequest& request,
                              v1::FinishUploadResponse* response) {
  Backoff backoff(client_.options());
  absl::Time end = absl::InfiniteFuture();
  while (true) {
    const absl::Time begun = absl::Now();
    const absl::Status status = client_.connection().FinishUpload(
        request, response, {begun + kLongestParse, client_.stop()});
    if (client_.stop().stop_requested()) return absl::CancelledError("stopped");
    if (!IsTransient(status)) return status;
    const absl::Time now = absl::Now();
    const bool outage_begins = end == absl::InfiniteFuture() || now - begun > kLongestConnect;
    if (outage_begins) end = now + client_.options().deadline;
    if (now >= end) return status;
    if (!WaitFor(client_.options(), backoff.Next(status), client_.stop()))
      return absl::CancelledError("stopped");
  }
}

// Sends what is not committed; after a break asks how far it came. Progress makes the deadline
// start anew.
absl::Status Uploader::SendFile(const std::string& upload, int file, int64_t committed) {
  const int64_t size = locals_[static_cast<size_t>(file)].description.size();
  Backoff backoff(client_.options());
  absl::Time end = absl::Now() + client_.options().deadline;
  while (committed < size) {
    const absl::StatusOr<int64_t> sent = SendFrom(upload, file, committed);
    if (sent.ok() && *sent > committed) {
      committed = *sent;
      continue;
    }
    const absl::Status status =
        sent.ok() ? absl::UnavailableError("the server took nothing") : sent.status();
    if (absl::IsAborted(status)) {
      return absl::AbortedError(
          "another push of the same files is under way, and has taken over from this one");
    }
    if (!IsTransient(status) && !absl::IsOutOfRange(status)) return status;
    if (!WaitFor(client_.options(), backoff.Next(status), client_.stop()))
      return absl::CancelledError("stopped");
    ASSIGN_OR_RETURN(const int64_t now, Committed(upload, file));
    if (now > committed) {
      backoff.Reset();
      end = absl::Now() + client_.options().deadline;
    } else if (absl::Now() >= end) {
      return status;
    }
    committed = now;
  }
  sent_before_ += size;
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Uploader::Committed(const std::string& upload, int file) {
  v1::GetUploadRequest request;
  request.set_id(upload);
  v1::GetUploadResponse response;
  RETURN_IF_ERROR(Unary(&Connection::GetUpload, request, &response));
  if (file >= response.upload().committed_size())
    return absl::InternalError("the server forgot a file of the upload");
  return response.upload().committed(file);
}

// One stream from `offset` to the file's end; what is committed then.
absl::StatusOr<int64_t> Uploader::SendFrom(const std::string& upload, int file, int64_t offset) {
  const Local& local = locals_[static_cast<size_t>(file)];
  const std::unique_ptr<UploadStream> stream = client_.connection().AppendUpload();
  const std::stop_callback cancel(client_.stop(), [&stream] { stream->Cancel(); });
  v1::AppendUploadRequest request;
  request.set_id(upload);
  request.set_file(file);
  request.set_offset(offset);
  std::string buffer(static_cast<size_t>(std::clamp<int64_t>(options_.chunk, 1, kMostChunk)), '\0');
  absl::Status local_fault;
  for (int64_t at = offset; at < local.description.size();) {
    const absl::StatusOr<size_t> got = local.file.ReadAt(at, buffer);
    local_fault = !got.ok()   ? got.status()
                  : *got == 0 ? Changed(local.description)
                              : absl::OkStatus();
    if (!local_fault.ok()) break;
    request.set_data(buffer.data(), *got);
    if (!stream->Write(request)) break;
    request.Clear();
    at += static_cast<int64_t>(*got);
    Report(Phase::kSending, sent_before_ + at);
  }
  if (!local_fault.ok()) stream->Cancel();
  const absl::StatusOr<v1::AppendUploadResponse> response = stream->Finish();
  if (!local_fault.ok()) return local_fault;
  if (client_.stop().stop_requested()) return absl::CancelledError("stopped");
  if (!response.ok()) return response.status();
  return response->committed();
}

}  // namespace gradus::internal
