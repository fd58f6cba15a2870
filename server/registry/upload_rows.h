// SPDX-License-Identifier: Apache-2.0
// Uploads as they lie in the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/dataset_service.pb.h"
#include "gradus/v1/model_service.pb.h"
#include "server/store/tx.h"

namespace gradus::registry {

enum class UploadState { kOpen = 0, kDone = 1, kRefused = 2 };

struct UploadRow {
  std::string id;
  std::string user;
  v1::BeginUploadRequest request;  // for a model: its file alone
  v1::PushModelRequest model;      // without a name for what becomes a dataset
  UploadState state = UploadState::kOpen;
  std::string answer;  // see EncodeRefusal; when done a v1::Dataset or a model's reference
  std::vector<int64_t> committed;  // one a file

  bool becomes_model() const { return !model.name().empty(); }
};

absl::StatusOr<std::optional<UploadRow>> FindUpload(store::ReadTx& tx, const std::string& id);
// The same, NOT_FOUND when there is none.
absl::StatusOr<UploadRow> GetUpload(store::ReadTx& tx, const std::string& id);
// Open, with nothing committed.
absl::Status InsertUpload(store::Tx& tx, const UploadRow& row, int64_t now_micros);
// NOT_FOUND unless the upload is open.
absl::Status RecordCommitted(store::Tx& tx, const std::string& id, int file, int64_t committed,
                             int64_t now_micros);
// Open to done or refused, once: FAILED_PRECONDITION else.
absl::Status EndUpload(store::Tx& tx, const std::string& id, UploadState state,
                       const std::string& answer, int64_t now_micros);
absl::Status DeleteUpload(store::Tx& tx, const std::string& id);

absl::StatusOr<int64_t> CountOpenUploads(store::ReadTx& tx, const std::string& user);
// Those not touched since then, or where they are done since `done_micros`; at most `limit`.
absl::StatusOr<std::vector<std::string>> UploadsTouchedBefore(store::ReadTx& tx, int64_t micros,
                                                              int64_t done_micros, int limit);

// A refusal as text, with its code and field, and back.
std::string EncodeRefusal(const absl::Status& refusal);
absl::Status DecodeRefusal(const std::string& text);

v1::Upload ToMessage(const UploadRow& row);

}  // namespace gradus::registry
