// SPDX-License-Identifier: Apache-2.0
#include "gradus/data_push.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "internal/upload.h"
#include "proto/support/status_macros.h"

namespace gradus {
namespace {

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
  internal::Uploader uploader(client, options);
  for (const PushFile& file : files) {
    v1::UploadFile description;
    description.set_format(file.format);
    description.set_split(file.split);
    description.set_column(file.column);
    RETURN_IF_ERROR(uploader.Add(file.path, std::move(description)));
  }
  RETURN_IF_ERROR(uploader.Hash());
  const auto taken = [&name] {
    return absl::AlreadyExistsError(absl::StrCat("there is a dataset \"", name, "\" already"));
  };
  const absl::Status there = client.GetDataset(name).status();
  if (there.ok()) return taken();
  if (!absl::IsNotFound(there)) return there;
  const auto begin = [&](const std::string& request_id) -> absl::StatusOr<v1::Upload> {
    v1::BeginUploadRequest request;
    request.set_dataset(name);
    request.set_request_id(request_id);
    for (size_t i = 0; i < uploader.files(); ++i) *request.add_files() = uploader.description(i);
    v1::BeginUploadResponse begun;
    RETURN_IF_ERROR(uploader.Unary(&Connection::BeginUpload, request, &begun));
    return begun.upload();
  };
  v1::Dataset dataset;
  const auto take = [&](const v1::FinishUploadResponse& finished) -> absl::Status {
    // The answer may be that of an earlier push whose dataset was removed since, and the name given
    // to another one.
    ASSIGN_OR_RETURN(dataset, client.GetDataset(name));
    return dataset.digest() == finished.dataset().digest() ? absl::OkStatus() : taken();
  };
  RETURN_IF_ERROR(uploader.Run(name, begin, take));
  return dataset;
}

}  // namespace gradus
