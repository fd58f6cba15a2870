// SPDX-License-Identifier: Apache-2.0
// The steps in order; each may fail and leaves nothing behind but unreferenced blobs.
#include "server/registry/upload_finish.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/registry/file_error.h"
#include "server/registry/parse_output.h"
#include "server/registry/upload_check.h"
#include "server/registry/weights.h"
#include "server/store/codec.h"

namespace gradus::registry {
namespace {

constexpr size_t kPiece = 512 << 10;
// A dataset whose description is larger does not travel in one message beside others.
constexpr size_t kMaxDescription = 512 << 10;
// With a summary of its layers a model's definition makes a reply, which may have 4 MiB.
constexpr size_t kMaxModel = 2 << 20;

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

std::string PathOf(const UploadParts& folder, const UploadRow& row, size_t file) {
  return folder.PathOf(row.id, static_cast<int>(file));
}

// The parsed columns of an upload's files on their way to be blobs.
class Columns {
 public:
  Columns(const UploadsParts& parts, const UploadRow& row) : parts_(parts), row_(row) {}

  absl::Status Parse(const UploadParts& folder, int64_t max_output) {
    std::vector<ParseInput> inputs;
    for (const v1::UploadFile& file : row_.request.files()) {
      ASSIGN_OR_RETURN(ParseOutput output, ParseOutput::Create(parts_.blobs, parts_.files));
      inputs.push_back({.file = file,
                        .input_path = PathOf(folder, row_, inputs.size()),
                        .output_path = output.path()});
      outputs_.push_back(std::move(output));
    }
    ASSIGN_OR_RETURN(columns_, parts_.parser->Parse(inputs, max_output));
    RETURN_IF_ERROR(CheckSizes());
    ASSIGN_OR_RETURN(places_, PlaceColumns(row_.request, columns_));
    return absl::OkStatus();
  }

  absl::Status Store() {
    uint64_t offset = 0;
    for (size_t i = 0; i < columns_.size(); ++i) {
      ParsedColumn& parsed = columns_[i];
      if (i == 0 || columns_[i - 1].file != parsed.file) offset = 0;
      ASSIGN_OR_RETURN(const int64_t bytes, ColumnBytes(parsed));
      ASSIGN_OR_RETURN(*parsed.column.mutable_blob(), StoreOne(i, offset, bytes));
      offset += static_cast<uint64_t>(bytes);
    }
    return absl::OkStatus();
  }

  v1::Dataset Describe() const {
    v1::Dataset dataset;
    dataset.set_name(row_.request.dataset());
    dataset.set_owner(row_.user);
    std::map<std::string, int> splits;  // name -> index, in the order of first mention
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto [split, is_new] = splits.emplace(places_[i].split, dataset.splits_size());
      if (is_new) dataset.add_splits()->set_name(places_[i].split);
      v1::Split* const target = dataset.mutable_splits(split->second);
      target->set_rows(columns_[i].rows);
      v1::Column* const column = target->add_columns();
      *column = columns_[i].column;
      column->set_name(places_[i].name);
    }
    return dataset;
  }

 private:
  // That the parser says something of each file, and of all that it wrote.
  absl::Status CheckSizes() const {
    std::vector<int64_t> bytes(outputs_.size(), 0);
    for (size_t i = 0; i < columns_.size(); ++i) {
      const size_t file = columns_[i].file;
      if (file >= outputs_.size() || (i > 0 && file < columns_[i - 1].file)) return Nonsense();
      ASSIGN_OR_RETURN(const int64_t of_column, ColumnBytes(columns_[i]));
      if (__builtin_add_overflow(bytes[file], of_column, &bytes[file])) return Nonsense();
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      ASSIGN_OR_RETURN(const uint64_t size, outputs_[i].Size());
      if (bytes[i] == 0 || static_cast<uint64_t>(bytes[i]) != size) return Nonsense();
    }
    return absl::OkStatus();
  }

  bool IsAlone(size_t i) const {
    const size_t file = columns_[i].file;
    return (i == 0 || columns_[i - 1].file != file) &&
           (i + 1 == columns_.size() || columns_[i + 1].file != file);
  }

  absl::StatusOr<v1::BlobRef> StoreOne(size_t i, uint64_t offset, int64_t bytes) {
    ParseOutput& output = outputs_[columns_[i].file];
    return IsAlone(i) ? output.Whole() : output.Part(offset, static_cast<uint64_t>(bytes));
  }

  const UploadsParts& parts_;
  const UploadRow& row_;
  std::vector<ParseOutput> outputs_;
  std::vector<ParsedColumn> columns_;
  std::vector<PlacedColumn> places_;
};

void FitIntoMessage(v1::Dataset& dataset) {
  if (dataset.ByteSizeLong() <= kMaxDescription) return;
  for (v1::Split& split : *dataset.mutable_splits()) {
    for (v1::Column& column : *split.mutable_columns()) column.clear_label_counts();
  }
}

absl::StatusOr<v1::FinishUploadResponse> FinishDataset(const UploadsParts& parts,
                                                       const UploadParts& folder,
                                                       const UploadRow& row, int64_t max_output) {
  Columns columns(parts, row);
  RETURN_IF_ERROR(columns.Parse(folder, max_output));
  FAILPOINT("registry.upload.parsed");
  RETURN_IF_ERROR(columns.Store());
  FAILPOINT("registry.upload.columns_stored");
  v1::FinishUploadResponse finished;
  v1::Dataset& dataset = *finished.mutable_dataset();
  dataset = columns.Describe();
  FitIntoMessage(dataset);
  if (dataset.ByteSizeLong() > kMaxDescription) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, "files",
                            "the columns are too many to be told in a message");
  }
  RETURN_IF_ERROR(parts.store->Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(dataset, parts.datasets->Add(tx, dataset));
    return EndUpload(tx, row.id, UploadState::kDone, store::Encode(dataset),
                     parts.clock->NowMicros());
  }));
  FAILPOINT("registry.upload.registered");
  return finished;
}

// A version that no message could show would be of no use.
absl::Status CheckShowable(const v1::Model& model) {
  if (model.ByteSizeLong() <= kMaxModel) return absl::OkStatus();
  return base::FieldError(absl::StatusCode::kInvalidArgument, "file",
                          "the definition is too long to be shown in a message");
}

absl::StatusOr<v1::FinishUploadResponse> FinishModel(const UploadsParts& parts,
                                                     const UploadParts& folder,
                                                     const UploadRow& row, int64_t max_output) {
  ASSIGN_OR_RETURN(const ParseOutput output, ParseOutput::Create(parts.blobs, parts.files));
  ASSIGN_OR_RETURN(ParsedModel parsed,
                   parts.parser->ParseModel({.file = row.request.files(0),
                                             .input_path = PathOf(folder, row, 0),
                                             .output_path = output.path()},
                                            row.model.model(), max_output));
  FAILPOINT("registry.upload.parsed");
  v1::Model model;
  ASSIGN_OR_RETURN(*model.mutable_weights(),
                   StoreWeights(*parts.blobs, output, std::move(parsed.weights)));
  FAILPOINT("registry.upload.columns_stored");
  model.set_name(row.model.name());
  model.set_owner(row.user);
  model.set_weights_sha256(parsed.weights_sha256);
  *model.mutable_spec() = std::move(parsed.spec);
  RETURN_IF_ERROR(CheckShowable(model));
  v1::FinishUploadResponse finished;
  RETURN_IF_ERROR(parts.store->Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(*finished.mutable_model(), parts.models->Add(tx, model));
    return EndUpload(tx, row.id, UploadState::kDone, finished.model(), parts.clock->NowMicros());
  }));
  FAILPOINT("registry.upload.registered");
  return finished;
}

}  // namespace

absl::StatusOr<v1::FinishUploadResponse> FinishUpload(const UploadsParts& parts,
                                                      const UploadParts& folder,
                                                      const UploadRow& row, int64_t max_output) {
  RETURN_IF_ERROR(CheckComplete(row));
  RETURN_IF_ERROR(CheckDigests(*parts.files, folder, row));
  return row.becomes_model() ? FinishModel(parts, folder, row, max_output)
                             : FinishDataset(parts, folder, row, max_output);
}

absl::StatusOr<v1::FinishUploadResponse> AnswerOf(const UploadRow& row) {
  v1::FinishUploadResponse answer;
  if (row.becomes_model()) {
    answer.set_model(row.answer);
  } else {
    RETURN_IF_ERROR(store::DecodeInto(row.answer, answer.mutable_dataset()));
  }
  return answer;
}

}  // namespace gradus::registry
