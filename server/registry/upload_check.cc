// SPDX-License-Identifier: Apache-2.0
// The checks, file by file and then together.
#include "server/registry/upload_check.h"

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/element.h"
#include "server/registry/file_error.h"

namespace gradus::registry {
namespace {

constexpr int kMaxFiles = 64;
constexpr size_t kMaxFileName = 255;
constexpr size_t kMaxRank = 16;

std::string Quoted(const std::string& text) { return absl::StrCat("\"", base::Shown(text), "\""); }

// What all files have to say of themselves.
absl::Status CheckFile(const v1::UploadFile& file, const std::string& path, int64_t max_upload,
                       int64_t left) {
  if (file.name().empty() || file.name().size() > kMaxFileName) {
    return base::InvalidArgument(absl::StrCat(path, ".name"), Quoted(file.name()),
                                 "1 to 255 bytes long");
  }
  if (file.size() < 1)
    return base::InvalidArgument(absl::StrCat(path, ".size"), absl::StrCat(file.size()),
                                 "1 or more");
  if (file.size() > left) {
    return base::InvalidArgument(
        absl::StrCat(path, ".size"), absl::StrCat(file.size(), " bytes"),
        absl::StrCat("allowed: all files together may have ", max_upload, ", ", left, " are left"));
  }
  if (!base::ParseSha256(file.sha256()).ok()) {
    return base::InvalidArgument(absl::StrCat(path, ".sha256"), Quoted(file.sha256()),
                                 "64 lower-case hexadecimal digits");
  }
  return absl::OkStatus();
}

absl::Status CheckEmpty(const std::string& path, const std::string& text) {
  return text.empty() ? absl::OkStatus() : base::InvalidArgument(path, Quoted(text), "left out");
}

bool HasNames(v1::UploadFile::Format format) {
  return format == v1::UploadFile::NPZ || format == v1::UploadFile::SAFETENSORS;
}

// How a file of a dataset says which columns it holds.
absl::Status CheckPlace(const v1::UploadFile& file, const std::string& path) {
  const bool one_array =
      file.format() == v1::UploadFile::IDX || file.format() == v1::UploadFile::NPY;
  if (!one_array && !HasNames(file.format())) {
    return base::InvalidArgument(absl::StrCat(path, ".format"),
                                 absl::StrCat(static_cast<int>(file.format())),
                                 "a known format: IDX, NPY, NPZ or SAFETENSORS");
  }
  if (one_array || !file.split().empty())
    RETURN_IF_ERROR(base::CheckName(absl::StrCat(path, ".split"), file.split()));
  return one_array ? base::CheckName(absl::StrCat(path, ".column"), file.column())
                   : CheckEmpty(absl::StrCat(path, ".column"), file.column());
}

absl::Status CheckSplits(const v1::BeginUploadRequest& request) {
  std::set<std::pair<std::string, std::string>> seen;
  for (int i = 0; i < request.files_size(); ++i) {
    const v1::UploadFile& file = request.files(i);
    if (!HasNames(file.format()) && !seen.emplace(file.split(), file.column()).second) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, absl::StrCat("files[", i, "]"),
                              absl::StrCat("column \"", file.column(), "\" of split \"",
                                           file.split(), "\" is given twice"));
    }
  }
  return absl::OkStatus();
}

// Weights of other models have no place beside those of the file.
absl::Status CheckOwnLayers(const v1::ModelSpec& model) {
  if (model.base_size() > 0) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, "model.base",
                            "a model that is pushed has all of its layers in \"layers\"");
  }
  for (int i = 0; i < model.layers_size(); ++i) {
    RETURN_IF_ERROR(CheckEmpty(absl::StrCat("model.layers[", i, "].from"), model.layers(i).from()));
  }
  return absl::OkStatus();
}

// "x_train" is column "x" of split "train" where the file's split is not said.
PlacedColumn PlaceOf(const v1::UploadFile& file, const std::string& array) {
  if (!HasNames(file.format())) return {file.split(), file.column()};
  if (!file.split().empty()) return {file.split(), array};
  const size_t line = array.rfind('_');
  return line == std::string::npos ? PlacedColumn{"", array}
                                   : PlacedColumn{array.substr(line + 1), array.substr(0, line)};
}

}  // namespace

absl::Status CheckUploadRequest(const v1::BeginUploadRequest& request, int64_t max_upload) {
  RETURN_IF_ERROR(base::CheckName("dataset", request.dataset()));
  if (request.files_size() < 1 || request.files_size() > kMaxFiles) {
    return base::InvalidArgument("files", absl::StrCat(request.files_size(), " files"),
                                 "1 to 64 files");
  }
  int64_t left = max_upload;
  for (int i = 0; i < request.files_size(); ++i) {
    const std::string path = absl::StrCat("files[", i, "]");
    RETURN_IF_ERROR(CheckFile(request.files(i), path, max_upload, left));
    RETURN_IF_ERROR(CheckPlace(request.files(i), path));
    left -= request.files(i).size();
  }
  return CheckSplits(request);
}

absl::Status CheckUploadRequest(const v1::PushModelRequest& request, int64_t max_upload) {
  RETURN_IF_ERROR(base::CheckName("name", request.name()));
  const v1::UploadFile& file = request.file();
  RETURN_IF_ERROR(CheckFile(file, "file", max_upload, max_upload));
  const bool onnx = file.format() == v1::UploadFile::ONNX;
  if (!onnx && file.format() != v1::UploadFile::SAFETENSORS) {
    return base::InvalidArgument("file.format", absl::StrCat(static_cast<int>(file.format())),
                                 "SAFETENSORS or ONNX");
  }
  if (onnx && file.size() > kMaxOnnxBytes) {
    return base::InvalidArgument("file.size", absl::StrCat(file.size(), " bytes"),
                                 absl::StrCat("allowed: an ONNX file has at most ", kMaxOnnxBytes));
  }
  RETURN_IF_ERROR(CheckEmpty("file.split", file.split()));
  RETURN_IF_ERROR(CheckEmpty("file.column", file.column()));
  RETURN_IF_ERROR(CheckOwnLayers(request.model()));
  if (onnx == request.has_model()) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, "model",
                            onnx ? "an ONNX file has a definition of its own"
                                 : "required: weights need the definition that they are of");
  }
  return absl::OkStatus();
}

namespace {

// Whether each row has one of the labels, where they are counted.
bool CountsRows(const ParsedColumn& parsed) {
  int64_t left = parsed.rows;
  for (const auto& [label, rows] : parsed.column.label_counts()) {
    if (rows < 1 || rows > left) return false;
    left -= rows;
  }
  return left == 0 || parsed.column.label_counts().empty();
}

}  // namespace

absl::StatusOr<int64_t> ColumnBytes(const ParsedColumn& parsed) {
  const size_t element = formats::ElementSize(parsed.column.dtype());
  std::vector<int64_t> shape = {parsed.rows};
  shape.insert(shape.end(), parsed.column.shape().begin(), parsed.column.shape().end());
  const std::optional<uint64_t> bytes = formats::ArrayBytes(shape, element);
  if (!formats::IsColumnType(parsed.column.dtype()) || shape.size() > kMaxRank ||
      !bytes.has_value() || *bytes == 0 || !CountsRows(parsed)) {
    return Nonsense();
  }
  return static_cast<int64_t>(*bytes);
}

absl::StatusOr<std::vector<PlacedColumn>> PlaceColumns(const v1::BeginUploadRequest& request,
                                                       const std::vector<ParsedColumn>& columns) {
  std::vector<PlacedColumn> places;
  std::map<std::string, size_t> first;  // split -> its first column
  std::set<std::pair<std::string, std::string>> seen;
  for (size_t i = 0; i < columns.size(); ++i) {
    const ParsedColumn& column = columns[i];
    const v1::UploadFile& file = request.files(static_cast<int>(column.file));
    const auto wrong = [&](absl::string_view what) {
      return FileError(absl::StatusCode::kInvalidArgument, column.file, file.name(), what);
    };
    if (i == kMaxColumns) return wrong(absl::StrCat("a dataset has at most ", i, " columns"));
    PlacedColumn place = PlaceOf(file, column.column.name());
    if (!base::IsName(place.split) || !base::IsName(place.name)) {
      return wrong(absl::StrCat("the array ", Quoted(column.column.name()),
                                file.split().empty()
                                    ? " does not say its column and split, as x_train does"
                                    : " has no name that a column can have"));
    }
    if (!seen.emplace(place.split, place.name).second) {
      return wrong(absl::StrCat("column \"", place.name, "\" of split \"", place.split,
                                "\" is given twice"));
    }
    const ParsedColumn& other = columns[first.emplace(place.split, i).first->second];
    if (column.rows != other.rows) {
      return wrong(absl::StrCat(column.rows, " rows, but ",
                                Quoted(request.files(static_cast<int>(other.file)).name()),
                                " of the same split has ", other.rows));
    }
    places.push_back(std::move(place));
  }
  return places;
}

}  // namespace gradus::registry
