// SPDX-License-Identifier: Apache-2.0
#include "server/store/request_keys.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::store {
namespace {

constexpr int64_t kBatch = 1000;

absl::StatusOr<int64_t> ForgetSome(Tx& tx, int64_t now_micros) {
  ASSIGN_OR_RETURN(auto oldest, (tx.Query<std::string, std::string, std::string>(
                                    "SELECT user_name, method, request_id FROM request_keys"
                                    " WHERE created_at < :t ORDER BY created_at LIMIT :n",
                                    now_micros - kRequestKeyLifetimeMicros, kBatch)));
  for (const auto& [user, method, id] : oldest) {
    RETURN_IF_ERROR(
        tx.Execute("DELETE FROM request_keys"
                   " WHERE user_name = :user AND method = :method AND request_id = :id",
                   user, method, id));
  }
  return static_cast<int64_t>(oldest.size());
}

}  // namespace

absl::Status CheckRequestId(std::string_view request_id) {
  constexpr size_t kLongest = 64;
  if (request_id.empty() || request_id.size() > kLongest) {
    return base::InvalidArgument("request_id", absl::StrCat(request_id.size(), " characters"),
                                 "1 to 64 printable characters");
  }
  for (const char c : request_id) {
    if (c < ' ' || c > '~') {
      return base::InvalidArgument("request_id",
                                   absl::StrCat("character ", static_cast<unsigned char>(c)),
                                   "printable ASCII");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> FindAnswer(ReadTx& tx, const RequestKey& key,
                                                      int64_t now_micros) {
  ASSIGN_OR_RETURN(auto row,
                   (tx.QueryOne<std::string, std::string, int64_t>(
                       "SELECT fingerprint, answer, created_at FROM request_keys"
                       " WHERE user_name = :user AND method = :method AND request_id = :id",
                       key.user, key.method, key.request_id)));
  if (!row.has_value()) return std::nullopt;
  auto& [fingerprint, answer, created_at] = *row;
  if (created_at + kRequestKeyLifetimeMicros < now_micros) return std::nullopt;
  if (fingerprint != key.fingerprint) {
    return base::FieldError(
        absl::StatusCode::kAlreadyExists, "request_id",
        absl::StrCat("\"", key.request_id, "\" came before with another ", key.method, " request"));
  }
  return std::move(answer);
}

absl::Status RememberAnswer(Tx& tx, const RequestKey& key, const std::string& answer,
                            int64_t now_micros) {
  // A key that is too old may still have its row.
  RETURN_IF_ERROR(tx.Execute(
      "DELETE FROM request_keys"
      " WHERE user_name = :user AND method = :method AND request_id = :id AND created_at < :t",
      key.user, key.method, key.request_id, now_micros - kRequestKeyLifetimeMicros));
  return tx.Execute(
      "INSERT INTO request_keys (user_name, method, request_id, fingerprint, answer, created_at)"
      " VALUES (:user, :method, :id, :fingerprint, :answer, :t)",
      key.user, key.method, key.request_id, key.fingerprint, answer, now_micros);
}

absl::StatusOr<int64_t> ForgetOldAnswers(Store& store, int64_t now_micros) {
  int64_t forgotten = 0;
  while (true) {
    int64_t batch = 0;
    RETURN_IF_ERROR(store.Write([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(batch, ForgetSome(tx, now_micros));
      return absl::OkStatus();
    }));
    forgotten += batch;
    if (batch < kBatch) return forgotten;
  }
}

}  // namespace gradus::store
