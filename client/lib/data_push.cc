// SPDX-License-Identifier: Apache-2.0
// Hash, begin, send from the committed offset, finish.
#include "gradus/data_push.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "internal/file.h"
#include "internal/sha256.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"
#include "proto/support/text_fields.h"
#include "proto/support/utf8.h"

namespace gradus {
namespace {

using internal::File;
using Phase = PushProgress::Phase;

// A request_id that was used for the same contents once leads to an upload that is gone; then the
// next one is tried.
constexpr int kMostGenerations = 20;

// With all around it below 1 MiB, which no message exceeds.
constexpr int64_t kMostChunk = (1 << 20) - 4096;

constexpr absl::Duration kLongestParse = absl::Minutes(15);

// A call that fails after more than this had reached the server.
constexpr absl::Duration kLongestConnect = absl::Seconds(30);

struct Local {
  File file;
  v1::UploadFile description;
};

class Push {
 public:
  Push(const Client& client, std::string name, const PushOptions& options)
      : client_(client), name_(std::move(name)), options_(options) {}

  absl::StatusOr<v1::Dataset> Run(const std::vector<PushFile>& files) {
    RETURN_IF_ERROR(Describe(files));
    const absl::Status taken = client_.GetDataset(name_).status();
    if (taken.ok()) return Taken();
    if (!absl::IsNotFound(taken)) return taken;
    absl::Status gone;
    for (int generation = 0; generation < kMostGenerations; ++generation) {
      absl::StatusOr<v1::Dataset> dataset = Attempt(generation);
      // An upload of the past, finished and removed, or refused, or abandoned and swept away.
      if (!absl::IsNotFound(dataset.status())) return dataset;
      gone = dataset.status();
    }
    return gone;
  }

 private:
  absl::Status Describe(const std::vector<PushFile>& files) {
    for (const PushFile& file : files) {
      ASSIGN_OR_RETURN(File opened, File::Open(file.path));
      ASSIGN_OR_RETURN(const int64_t size, opened.Size());
      if (size == 0)
        return absl::InvalidArgumentError(absl::StrCat(file.path, ": the file is empty"));
      total_ += size;
      v1::UploadFile description;
      description.set_name(
          support::Printable(std::filesystem::path(file.path).filename().string(), true));
      description.set_size(size);
      description.set_format(file.format);
      description.set_split(file.split);
      description.set_column(file.column);
      locals_.push_back({std::move(opened), std::move(description)});
    }
    for (Local& local : locals_) RETURN_IF_ERROR(Hash(local));
    return absl::OkStatus();
  }

  absl::Status Hash(Local& local) {
    internal::Sha256 digest;
    std::string buffer(1 << 20, '\0');
    int64_t offset = 0;
    while (offset < local.description.size()) {
      if (client_.stop().stop_requested()) return absl::CancelledError("stopped");
      ASSIGN_OR_RETURN(const size_t got, local.file.ReadAt(offset, buffer));
      if (got == 0) return Changed(local);
      digest.Update(absl::string_view(buffer).substr(0, got));
      offset += static_cast<int64_t>(got);
      hashed_ += static_cast<int64_t>(got);
      Report(Phase::kHashing, hashed_);
    }
    local.description.set_sha256(digest.Finish());
    return absl::OkStatus();
  }

  static absl::Status Changed(const Local& local) {
    return absl::InvalidArgumentError(
        absl::StrCat(local.description.name(), ": the file changed while it was read"));
  }

  absl::Status Taken() const {
    return absl::AlreadyExistsError(absl::StrCat("there is a dataset \"", name_, "\" already"));
  }

  // The same for the same contents, so that a later call finds what an earlier one has sent.
  std::string RequestId(int generation) const {
    std::string all = absl::StrCat(name_, "\n", generation, "\n");
    for (const Local& local : locals_)
      absl::StrAppend(&all, local.description.SerializeAsString(), "\n");
    return absl::StrCat("push-", internal::Sha256Of(all).substr(0, 32));
  }

  absl::StatusOr<v1::Dataset> Attempt(int generation) {
    v1::BeginUploadRequest request;
    request.set_dataset(name_);
    request.set_request_id(RequestId(generation));
    for (const Local& local : locals_) *request.add_files() = local.description;
    v1::BeginUploadResponse begun;
    RETURN_IF_ERROR(Unary(&Connection::BeginUpload, request, &begun));
    if (begun.upload().committed_size() != static_cast<int>(locals_.size())) {
      return absl::InternalError("the server's upload has other files than were sent");
    }
    for (int i = 0; i < begun.upload().committed_size(); ++i) {
      RETURN_IF_ERROR(SendFile(begun.upload().id(), i, begun.upload().committed(i)));
    }
    Report(Phase::kParsing, total_);
    v1::FinishUploadRequest finish;
    finish.set_id(begun.upload().id());
    v1::FinishUploadResponse finished;
    RETURN_IF_ERROR(FinishUpload(finish, &finished));
    // The answer may be that of an earlier push whose dataset was removed since, and the name given
    // to another one.
    ASSIGN_OR_RETURN(const v1::Dataset there, client_.GetDataset(name_));
    if (there.digest() != finished.dataset().digest()) return Taken();
    return there;
  }

  // Parsing takes as long as it takes: one attempt may last, but a server that stays away is told
  // of as soon as ever.
  absl::Status FinishUpload(const v1::FinishUploadRequest& request,
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

  template <typename Request, typename Response>
  absl::Status Unary(absl::Status (Connection::*method)(const Request&, Response*,
                                                        const CallOptions&),
                     const Request& request, Response* response) {
    RETURN_IF_ERROR(support::CheckTextFields(request));
    return Retry(client_.options(), client_.stop(), [&](absl::Time deadline) {
      return (client_.connection().*method)(request, response, {deadline, client_.stop()});
    });
  }

  // Sends what is not committed; after a break asks how far it came. Progress makes the deadline
  // start anew.
  absl::Status SendFile(const std::string& upload, int file, int64_t committed) {
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

  absl::StatusOr<int64_t> Committed(const std::string& upload, int file) {
    v1::GetUploadRequest request;
    request.set_id(upload);
    v1::GetUploadResponse response;
    RETURN_IF_ERROR(Unary(&Connection::GetUpload, request, &response));
    if (file >= response.upload().committed_size())
      return absl::InternalError("the server forgot a file of the upload");
    return response.upload().committed(file);
  }

  // One stream from `offset` to the file's end; what is committed then.
  absl::StatusOr<int64_t> SendFrom(const std::string& upload, int file, int64_t offset) {
    const Local& local = locals_[static_cast<size_t>(file)];
    const std::unique_ptr<UploadStream> stream = client_.connection().AppendUpload();
    const std::stop_callback cancel(client_.stop(), [&stream] { stream->Cancel(); });
    v1::AppendUploadRequest request;
    request.set_id(upload);
    request.set_file(file);
    request.set_offset(offset);
    std::string buffer(static_cast<size_t>(std::clamp<int64_t>(options_.chunk, 1, kMostChunk)),
                       '\0');
    absl::Status local_fault;
    for (int64_t at = offset; at < local.description.size();) {
      const absl::StatusOr<size_t> got = local.file.ReadAt(at, buffer);
      local_fault = !got.ok() ? got.status() : *got == 0 ? Changed(local) : absl::OkStatus();
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

  void Report(Phase phase, int64_t done) const {
    if (options_.progress) options_.progress({phase, done, total_});
  }

  const Client& client_;
  const std::string name_;
  const PushOptions& options_;
  std::vector<Local> locals_;
  int64_t total_ = 0;
  int64_t hashed_ = 0;
  int64_t sent_before_ = 0;
};

// The file under one of its usual names.
std::optional<std::string> Usual(const std::string& folder, const std::string& stem,
                                 const std::string& kind) {
  for (const char* dash : {"-", "."}) {
    for (const char* suffix : {"", ".gz"}) {
      const std::string path = absl::StrCat(folder, "/", stem, dash, kind, suffix);
      std::error_code error;
      if (std::filesystem::is_regular_file(path, error)) return path;
    }
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::vector<PushFile>> FindIdxFiles(const std::string& folder) {
  const struct {
    const char* stem;
    const char* kind;
    const char* split;
    const char* column;
  } usual[] = {{"train-images", "idx3-ubyte", "train", "x"},
               {"train-labels", "idx1-ubyte", "train", "y"},
               {"t10k-images", "idx3-ubyte", "test", "x"},
               {"t10k-labels", "idx1-ubyte", "test", "y"}};
  std::vector<PushFile> files;
  for (const auto& [stem, kind, split, column] : usual) {
    std::optional<std::string> path = Usual(folder, stem, kind);
    if (!path.has_value()) {
      return absl::NotFoundError(absl::StrCat(
          folder, ": there is no ", stem, "-", kind, " or ", stem, "-", kind, ".gz in it; ",
          "other files are named with their split and column, such as train:x=FILE"));
    }
    files.push_back({*std::move(path), split, column});
  }
  return files;
}

absl::StatusOr<v1::Dataset> PushDataset(const Client& client, const std::string& name,
                                        const std::vector<PushFile>& files,
                                        const PushOptions& options) {
  if (files.empty()) return absl::InvalidArgumentError("there are no files to push");
  return Push(client, name, options).Run(files);
}

}  // namespace gradus
