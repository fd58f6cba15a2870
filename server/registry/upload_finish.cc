// SPDX-License-Identifier: Apache-2.0
// The steps in order; each may fail and leaves nothing behind but unreferenced blobs.
#include "server/registry/upload_finish.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/registry/file_error.h"
#include "server/registry/upload_check.h"
#include "server/store/codec.h"

namespace gradus::registry {
namespace {

constexpr size_t kPiece = 512 << 10;
// A dataset whose description is larger does not travel in one message beside others.
constexpr size_t kMaxDescription = 512 << 10;

absl::Status CheckComplete(const UploadRow& row) {
  for (size_t i = 0; i < row.committed.size(); ++i) {
    const v1::UploadFile& file = row.request.files(static_cast<int>(i));
    if (row.committed[i] != file.size()) {
      return FileError(absl::StatusCode::kFailedPrecondition, i, file.name(),
                       absl::StrCat(row.committed[i], " of ", file.size(), " bytes are here"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> DigestOf(base::Files& files, const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::File> file, files.OpenRead(path));
  base::Sha256 hash;
  std::vector<std::byte> buffer(kPiece);
  for (uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(const size_t count, file->ReadAt(offset, buffer));
    if (count == 0) return base::ToHex(hash.Finish());
    hash.Update(std::span(buffer).first(count));
    offset += count;
  }
}

absl::Status CheckDigests(base::Files& files, const UploadParts& folder, const UploadRow& row) {
  for (int i = 0; i < row.request.files_size(); ++i) {
    const v1::UploadFile& file = row.request.files(i);
    ASSIGN_OR_RETURN(const std::string digest, DigestOf(files, folder.PathOf(row.id, i)));
    if (digest != file.sha256()) {
      return FileError(
          absl::StatusCode::kInvalidArgument, static_cast<size_t>(i), file.name(),
          absl::StrCat("its SHA-256 is ", digest, ", ", file.sha256(), " was announced"));
    }
  }
  return absl::OkStatus();
}

// Columns parsed into files of the blob folder, which are removed unless they become blobs.
class Columns {
 public:
  Columns(const UploadsParts& parts, const UploadRow& row) : parts_(parts), row_(row) {}
  ~Columns() {
    for (size_t i = adopted_; i < outputs_.size(); ++i) {
      outputs_[i].file.reset();
      parts_.files->Remove(outputs_[i].path)
          .IgnoreError();  // else removed with other abandoned files, after a day
    }
  }
  Columns(const Columns&) = delete;
  Columns& operator=(const Columns&) = delete;

  absl::Status Parse(const UploadParts& folder, int64_t max_output) {
    std::vector<ParseInput> inputs;
    for (int i = 0; i < row_.request.files_size(); ++i) {
      ASSIGN_OR_RETURN(base::TemporaryFile output, parts_.blobs->NewFile());
      inputs.push_back({.file = row_.request.files(i),
                        .input_path = folder.PathOf(row_.id, i),
                        .output_path = output.path});
      outputs_.push_back(std::move(output));
    }
    ASSIGN_OR_RETURN(columns_, parts_.parser->Parse(inputs, max_output));
    if (columns_.size() != outputs_.size())
      return absl::InternalError("the parser answered for another number of files");
    for (size_t i = 0; i < columns_.size(); ++i) {
      ASSIGN_OR_RETURN(const uint64_t size, outputs_[i].file->Size());
      RETURN_IF_ERROR(CheckColumn(columns_[i], static_cast<int64_t>(size)));
    }
    return CheckRows(row_.request, columns_);
  }

  absl::Status Store() {
    for (ParsedColumn& parsed : columns_) {
      ASSIGN_OR_RETURN(*parsed.column.mutable_blob(),
                       parts_.blobs->Adopt(std::move(outputs_[adopted_++])));
    }
    return absl::OkStatus();
  }

  v1::Dataset Describe() const {
    v1::Dataset dataset;
    dataset.set_name(row_.request.dataset());
    dataset.set_owner(row_.user);
    std::map<std::string, int> splits;  // name -> index, in the order of first mention
    for (size_t i = 0; i < columns_.size(); ++i) {
      const v1::UploadFile& file = row_.request.files(static_cast<int>(i));
      const auto [split, is_new] = splits.emplace(file.split(), dataset.splits_size());
      if (is_new) dataset.add_splits()->set_name(file.split());
      v1::Split* const target = dataset.mutable_splits(split->second);
      target->set_rows(columns_[i].rows);
      v1::Column* const column = target->add_columns();
      *column = columns_[i].column;
      column->set_name(file.column());
    }
    return dataset;
  }

 private:
  const UploadsParts& parts_;
  const UploadRow& row_;
  std::vector<base::TemporaryFile> outputs_;
  std::vector<ParsedColumn> columns_;
  size_t adopted_ = 0;
};

void FitIntoMessage(v1::Dataset& dataset) {
  if (dataset.ByteSizeLong() <= kMaxDescription) return;
  for (v1::Split& split : *dataset.mutable_splits()) {
    for (v1::Column& column : *split.mutable_columns()) column.clear_label_counts();
  }
}

}  // namespace

absl::StatusOr<v1::Dataset> FinishUpload(const UploadsParts& parts, const UploadParts& folder,
                                         const UploadRow& row, int64_t max_output) {
  RETURN_IF_ERROR(CheckComplete(row));
  RETURN_IF_ERROR(CheckDigests(*parts.files, folder, row));
  Columns columns(parts, row);
  RETURN_IF_ERROR(columns.Parse(folder, max_output));
  FAILPOINT("registry.upload.parsed");
  RETURN_IF_ERROR(columns.Store());
  FAILPOINT("registry.upload.columns_stored");
  v1::Dataset dataset = columns.Describe();
  FitIntoMessage(dataset);
  RETURN_IF_ERROR(parts.store->Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(dataset, parts.datasets->Add(tx, dataset));
    return EndUpload(tx, row.id, UploadState::kDone, store::Encode(dataset),
                     parts.clock->NowMicros());
  }));
  FAILPOINT("registry.upload.registered");
  return dataset;
}

}  // namespace gradus::registry
