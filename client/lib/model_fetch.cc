// SPDX-License-Identifier: Apache-2.0
// A partial file named by its digest, appended to until it is whole.
#include "gradus/model_fetch.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "internal/file.h"
#include "internal/sha256.h"
#include "proto/support/print.h"
#include "proto/support/status_macros.h"
#include "proto/support/text_fields.h"

namespace gradus {
namespace {

using internal::File;

// Where the bytes go.
struct Place {
  std::string folder;
  std::string file;
  // Whether definition and card are written beside it.
  bool described = false;
};

class Fetch {
 public:
  Fetch(const Client& client, std::string ref, Place place, const FetchOptions& options)
      : client_(client), ref_(std::move(ref)), place_(std::move(place)), options_(options) {}

  absl::StatusOr<v1::Model> Run() {
    Backoff backoff(client_.options());
    absl::Time end = absl::Now() + client_.options().deadline;
    while (true) {
      const int64_t before = have_;
      const absl::Status status = OneStream();
      if (header_.has_value() && have_ == header_->size()) break;
      if (client_.stop().stop_requested()) return absl::CancelledError("stopped");
      if (!status.ok() && !IsTransient(status)) return status;
      if (have_ > before) {
        backoff.Reset();
        end = absl::Now() + client_.options().deadline;
      }
      const absl::Status again =
          status.ok() ? absl::UnavailableError("the transfer ended early") : status;
      if (absl::Now() >= end) return again;
      if (!WaitFor(client_.options(), backoff.Next(again), client_.stop()))
        return absl::CancelledError("stopped");
    }
    RETURN_IF_ERROR(Publish());
    return header_->model();
  }

 private:
  std::string PartPath() const {
    return absl::StrCat(place_.folder, "/.weights-", header_->sha256(), ".part");
  }

  std::string FilePath() const { return absl::StrCat(place_.folder, "/", place_.file); }

  // One transfer from what is there already. A first header may tell of a part from an earlier
  // call: then the stream is left and the next one goes on from there.
  absl::Status OneStream() {
    v1::FetchModelRequest request;
    // The version is pinned once it is known: a name alone may mean another one tomorrow.
    request.set_ref(header_.has_value()
                        ? absl::StrCat(header_->model().name(), "@", header_->model().version())
                        : ref_);
    for (const std::string& layer : options_.layers) request.add_layers(layer);
    request.set_format(options_.format);
    request.set_offset(have_);
    RETURN_IF_ERROR(support::CheckTextFields(request));
    const auto stream = client_.connection().FetchModel(request);
    const std::stop_callback cancel(client_.stop(), [&stream] { stream->Cancel(); });
    v1::FetchModelResponse response;
    absl::Status local;
    while (local.ok() && stream->Read(&response)) {
      local = response.has_header() ? TakeHeader(response.header(), request.offset())
                                    : TakeData(response.data());
    }
    if (!local.ok()) stream->Cancel();
    const absl::Status finished = stream->Finish();
    return local.ok() ? finished : local;
  }

  absl::Status TakeHeader(const v1::FetchModelHeader& header, int64_t offset) {
    const bool known = header_.has_value();
    if (known && header.sha256() != header_->sha256())
      return absl::DataLossError("the server's file changed during the transfer");
    if (known) return absl::OkStatus();
    if (header.sha256().size() != 64 ||
        header.sha256().find_first_not_of("0123456789abcdef") != std::string::npos) {
      return absl::InternalError("the server sent a digest that is none");
    }
    header_ = header;
    // Only now, so that a model that is not there leaves no folder behind.
    RETURN_IF_ERROR(internal::MakeFolders(place_.folder, 0777));
    ASSIGN_OR_RETURN(lock_, File::LockFolder(place_.folder));
    ASSIGN_OR_RETURN(part_, File::OpenForAppend(PartPath(), 0666));
    if (!options_.blob_folder.empty() && IsBlobWhole()) {
      have_ = header_->size();
      return absl::UnavailableError("it is there already");
    }
    RETURN_IF_ERROR(HashWhatIsThere());
    return have_ == offset ? absl::OkStatus()
                           : absl::UnavailableError("going on from an earlier transfer");
  }

  std::string BlobPath() const {
    return absl::StrCat(options_.blob_folder, "/", header_->sha256());
  }

  // Its bytes are those of its digest.
  bool IsBlobWhole() const {
    const absl::StatusOr<File> file = File::Open(BlobPath());
    if (!file.ok()) return false;
    internal::Sha256 digest;
    std::string buffer(1 << 20, '\0');
    int64_t size = 0;
    while (true) {
      const absl::StatusOr<size_t> got = file->ReadAt(size, buffer);
      if (!got.ok()) return false;
      if (*got == 0) break;
      digest.Update(absl::string_view(buffer).substr(0, *got));
      size += static_cast<int64_t>(*got);
    }
    return size == header_->size() && digest.Finish() == header_->sha256();
  }

  // A link that says where the blob lies from here, so that the cache may be moved as a whole.
  absl::Status LinkBlob() {
    const std::string link = place_.folder + "/.weights.link";
    unlink(link.c_str());
    const std::string target = std::filesystem::path(BlobPath()).lexically_relative(place_.folder);
    if (symlink(target.c_str(), link.c_str()) != 0)
      return absl::UnknownError(absl::StrCat(link, ": ", strerror(errno)));
    return internal::RenameDurably(link, FilePath());
  }

  absl::Status HashWhatIsThere() {
    ASSIGN_OR_RETURN(const int64_t size, part_.Size());
    if (size > header_->size()) return part_.Truncate(0);
    std::string buffer(1 << 20, '\0');
    while (have_ < size) {
      ASSIGN_OR_RETURN(const size_t got, part_.ReadAt(have_, buffer));
      if (got == 0) break;
      digest_.Update(absl::string_view(buffer).substr(0, got));
      have_ += static_cast<int64_t>(got);
    }
    return absl::OkStatus();
  }

  absl::Status TakeData(const std::string& data) {
    if (!header_.has_value()) return absl::InternalError("the server sent data before the header");
    if (static_cast<int64_t>(data.size()) > header_->size() - have_) {
      return absl::DataLossError("the server sent more bytes than the file has");
    }
    RETURN_IF_ERROR(part_.Append(data));
    digest_.Update(data);
    have_ += static_cast<int64_t>(data.size());
    if (options_.progress) options_.progress(have_, header_->size());
    return absl::OkStatus();
  }

  // All files are complete under other names before the first gets its own.
  absl::Status Publish() {
    const bool in_blobs = !options_.blob_folder.empty();
    if (in_blobs && IsBlobWhole()) {
      unlink(PartPath().c_str());
    } else {
      RETURN_IF_ERROR(CheckPart());
    }
    if (place_.described) RETURN_IF_ERROR(Describe());
    if (!in_blobs) return internal::RenameDurably(PartPath(), FilePath());
    if (std::filesystem::exists(PartPath()))
      RETURN_IF_ERROR(internal::RenameDurably(PartPath(), BlobPath()));
    return LinkBlob();
  }

  absl::Status Describe() {
    ASSIGN_OR_RETURN(const std::string spec,
                     support::PrintJson(header_->model().spec(), {.indent = true}));
    const std::string json_part = place_.folder + "/.model.json.part";
    const std::string card_part = place_.folder + "/.README.md.part";
    RETURN_IF_ERROR(internal::WriteFileAtomically(json_part, spec, 0644));
    RETURN_IF_ERROR(internal::WriteFileAtomically(
        card_part, ModelCard(header_->model(), options_.format), 0644));
    RETURN_IF_ERROR(internal::RenameDurably(json_part, place_.folder + "/model.json"));
    return internal::RenameDurably(card_part, place_.folder + "/README.md");
  }

  absl::Status CheckPart() {
    if (digest_.Finish() != header_->sha256()) {
      unlink(PartPath().c_str());
      return absl::DataLossError(
          absl::StrCat(ref_, ": the weights that came have another digest; fetch them again"));
    }
    return part_.Sync();
  }

  const Client& client_;
  const std::string ref_;
  const Place place_;
  const FetchOptions& options_;
  std::optional<v1::FetchModelHeader> header_;
  // Two fetches into one folder would mix their bytes.
  File lock_;
  File part_;
  internal::Sha256 digest_;
  int64_t have_ = 0;
};

}  // namespace

absl::StatusOr<v1::Model> FetchModel(const Client& client, const std::string& ref,
                                     const std::string& folder, const FetchOptions& options) {
  const Place place{folder.empty() ? "." : folder, FileName(options.format), true};
  return Fetch(client, ref, place, options).Run();
}

absl::StatusOr<v1::Model> ExportModel(const Client& client, const std::string& ref,
                                      const std::string& file, const FetchOptions& options) {
  const std::filesystem::path path(file);
  if (!path.has_filename())
    return absl::InvalidArgumentError(absl::StrCat("\"", file, "\" is not the name of a file"));
  const std::string folder = path.parent_path().string();
  return Fetch(client, ref, {folder.empty() ? "." : folder, path.filename().string()}, options)
      .Run();
}

const char* FileName(v1::FetchModelRequest::Format format) {
  return format == v1::FetchModelRequest::ONNX ? "model.onnx" : "weights.safetensors";
}

}  // namespace gradus
