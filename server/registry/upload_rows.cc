// SPDX-License-Identifier: Apache-2.0
// Statements on the tables uploads and upload_files.
#include "server/registry/upload_rows.h"

#include <tuple>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/store/codec.h"

namespace gradus::registry {
namespace {

absl::Status NoSuchUpload(const std::string& id) {
  return absl::NotFoundError(
      absl::StrCat("there is no upload \"", base::Shown(id), "\" under way"));
}

}  // namespace

absl::StatusOr<std::optional<UploadRow>> FindUpload(store::ReadTx& tx, const std::string& id) {
  ASSIGN_OR_RETURN(
      const auto found,
      (tx.QueryOne<std::string, std::string, int64_t, std::string, std::string>(
          "SELECT user_name, request, state, answer, model FROM uploads WHERE id = :id", id)));
  if (!found.has_value()) return std::nullopt;
  UploadRow row;
  row.id = id;
  row.user = std::get<0>(*found);
  RETURN_IF_ERROR(store::DecodeInto(std::get<1>(*found), &row.request));
  row.state = static_cast<UploadState>(std::get<2>(*found));
  row.answer = std::get<3>(*found);
  RETURN_IF_ERROR(store::DecodeInto(std::get<4>(*found), &row.model));
  ASSIGN_OR_RETURN(
      const auto files,
      tx.Query<int64_t>("SELECT committed FROM upload_files WHERE upload = :id ORDER BY file", id));
  for (const auto& [committed] : files) row.committed.push_back(committed);
  if (row.committed.size() != static_cast<size_t>(row.request.files_size())) {
    return absl::DataLossError(
        absl::StrCat("upload ", id, " has ", row.committed.size(), " rows of files"));
  }
  return row;
}

absl::StatusOr<UploadRow> GetUpload(store::ReadTx& tx, const std::string& id) {
  ASSIGN_OR_RETURN(std::optional<UploadRow> row, FindUpload(tx, id));
  if (!row.has_value()) return NoSuchUpload(id);
  return *std::move(row);
}

absl::Status InsertUpload(store::Tx& tx, const UploadRow& row, int64_t now_micros) {
  RETURN_IF_ERROR(tx.Execute(
      "INSERT INTO uploads (id, user_name, request, model, state, answer, touched_at) "
      "VALUES (:id, :user, :request, :model, 0, '', :at)",
      row.id, row.user, store::Encode(row.request), store::Encode(row.model), now_micros));
  for (int i = 0; i < row.request.files_size(); ++i) {
    RETURN_IF_ERROR(tx.Execute(
        "INSERT INTO upload_files (upload, file, committed) VALUES (:id, :file, 0)", row.id, i));
  }
  return absl::OkStatus();
}

absl::Status RecordCommitted(store::Tx& tx, const std::string& id, int file, int64_t committed,
                             int64_t now_micros) {
  ASSIGN_OR_RETURN(const int64_t open,
                   tx.Update("UPDATE uploads SET touched_at = :at WHERE id = :id AND state = 0",
                             now_micros, id));
  if (open == 0) return NoSuchUpload(id);
  return tx.Execute(
      "UPDATE upload_files SET committed = :committed WHERE upload = :id AND file = :file",
      committed, id, file);
}

absl::Status EndUpload(store::Tx& tx, const std::string& id, UploadState state,
                       const std::string& answer, int64_t now_micros) {
  ASSIGN_OR_RETURN(const int64_t open,
                   tx.Update("UPDATE uploads SET state = :state, answer = :answer, touched_at = "
                             ":at WHERE id = :id AND state = 0",
                             state, answer, now_micros, id));
  if (open == 0)
    return absl::FailedPreconditionError(absl::StrCat("upload ", id, " has ended already"));
  return absl::OkStatus();
}

absl::Status DeleteUpload(store::Tx& tx, const std::string& id) {
  RETURN_IF_ERROR(tx.Execute("DELETE FROM upload_files WHERE upload = :id", id));
  return tx.Execute("DELETE FROM uploads WHERE id = :id", id);
}

absl::StatusOr<int64_t> CountOpenUploads(store::ReadTx& tx, const std::string& user) {
  ASSIGN_OR_RETURN(const auto row,
                   tx.QueryOne<int64_t>(
                       "SELECT COUNT(*) FROM uploads WHERE user_name = :user AND state = 0", user));
  return row.has_value() ? std::get<0>(*row) : 0;
}

absl::StatusOr<std::vector<std::string>> UploadsTouchedBefore(store::ReadTx& tx, int64_t micros,
                                                              int64_t done_micros, int limit) {
  ASSIGN_OR_RETURN(
      const auto rows,
      tx.Query<std::string>("SELECT id FROM uploads WHERE touched_at < :before AND (state <> 1 OR "
                            "touched_at < :done_before) ORDER BY touched_at LIMIT :count",
                            micros, done_micros, limit));
  std::vector<std::string> ids;
  for (const auto& [id] : rows) ids.push_back(id);
  return ids;
}

std::string EncodeRefusal(const absl::Status& refusal) {
  return absl::StrCat(static_cast<int>(refusal.code()), "\n", base::FieldOf(refusal).value_or(""),
                      "\n", refusal.message());
}

absl::Status DecodeRefusal(const std::string& text) {
  const size_t field = text.find('\n');
  const size_t message = field == std::string::npos ? field : text.find('\n', field + 1);
  int code = 0;
  if (message == std::string::npos || !absl::SimpleAtoi(text.substr(0, field), &code)) {
    return absl::DataLossError("the answer to an upload cannot be read");
  }
  absl::Status refusal(static_cast<absl::StatusCode>(code), text.substr(message + 1));
  const std::string path = text.substr(field + 1, message - field - 1);
  if (!path.empty()) refusal.SetPayload(base::kFieldPayloadUrl, absl::Cord(path));
  return refusal;
}

v1::Upload ToMessage(const UploadRow& row) {
  v1::Upload upload;
  upload.set_id(row.id);
  upload.set_dataset(row.request.dataset());
  upload.set_model(row.model.name());
  *upload.mutable_files() = row.request.files();
  for (const int64_t committed : row.committed) upload.add_committed(committed);
  return upload;
}

}  // namespace gradus::registry
