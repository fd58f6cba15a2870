// SPDX-License-Identifier: Apache-2.0
// The checks, file by file and then together.
#include "server/registry/upload_check.h"

#include <map>
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

std::string Quoted(const std::string& text) { return absl::StrCat("\"", base::Shown(text), "\""); }

absl::Status CheckFile(const v1::UploadFile& file, const std::string& path) {
  if (file.name().empty() || file.name().size() > kMaxFileName) {
    return base::InvalidArgument(absl::StrCat(path, ".name"), Quoted(file.name()),
                                 "1 to 255 bytes long");
  }
  if (file.size() < 1)
    return base::InvalidArgument(absl::StrCat(path, ".size"), absl::StrCat(file.size()),
                                 "1 or more");
  if (!base::ParseSha256(file.sha256()).ok()) {
    return base::InvalidArgument(absl::StrCat(path, ".sha256"), Quoted(file.sha256()),
                                 "64 lower-case hexadecimal digits");
  }
  if (file.format() != v1::UploadFile::IDX) {
    return base::InvalidArgument(absl::StrCat(path, ".format"),
                                 absl::StrCat(static_cast<int>(file.format())),
                                 "a known format: IDX");
  }
  RETURN_IF_ERROR(base::CheckName(absl::StrCat(path, ".split"), file.split()));
  return base::CheckName(absl::StrCat(path, ".column"), file.column());
}

absl::Status CheckSplits(const v1::BeginUploadRequest& request) {
  std::set<std::pair<std::string, std::string>> seen;
  for (int i = 0; i < request.files_size(); ++i) {
    const v1::UploadFile& file = request.files(i);
    if (!seen.emplace(file.split(), file.column()).second) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, absl::StrCat("files[", i, "]"),
                              absl::StrCat("column \"", file.column(), "\" of split \"",
                                           file.split(), "\" is given twice"));
    }
  }
  return absl::OkStatus();
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
    RETURN_IF_ERROR(CheckFile(request.files(i), path));
    if (request.files(i).size() > left) {
      return base::InvalidArgument(absl::StrCat(path, ".size"),
                                   absl::StrCat(request.files(i).size(), " bytes"),
                                   absl::StrCat("allowed: all files together may have ", max_upload,
                                                ", ", left, " are left"));
    }
    left -= request.files(i).size();
  }
  return CheckSplits(request);
}

absl::Status CheckColumn(const ParsedColumn& parsed, int64_t output_bytes) {
  const size_t element = formats::ElementSize(parsed.column.dtype());
  std::vector<int64_t> shape = {parsed.rows};
  shape.insert(shape.end(), parsed.column.shape().begin(), parsed.column.shape().end());
  const std::optional<uint64_t> bytes = formats::ArrayBytes(shape, element);
  if (element == 0 || parsed.rows < 1 || !bytes.has_value() ||
      *bytes != static_cast<uint64_t>(output_bytes)) {
    return absl::InternalError("the parser's answer does not fit what it wrote");
  }
  return absl::OkStatus();
}

absl::Status CheckRows(const v1::BeginUploadRequest& request,
                       const std::vector<ParsedColumn>& columns) {
  std::map<std::string, size_t> first;  // split -> its first file
  for (size_t i = 0; i < columns.size(); ++i) {
    const v1::UploadFile& file = request.files(static_cast<int>(i));
    const size_t other = first.emplace(file.split(), i).first->second;
    if (columns[i].rows != columns[other].rows) {
      return FileError(absl::StatusCode::kInvalidArgument, i, file.name(),
                       absl::StrCat(columns[i].rows, " rows, but \"",
                                    base::Shown(request.files(static_cast<int>(other)).name()),
                                    "\" of the same split has ", columns[other].rows));
    }
  }
  return absl::OkStatus();
}

}  // namespace gradus::registry
