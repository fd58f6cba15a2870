// SPDX-License-Identifier: Apache-2.0
// Idempotent requests: a mutating call writes its request_id and its answer in the transaction that
// does the work, so a retry gets the first answer.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace gradus::store {

inline constexpr int64_t kRequestKeyLifetimeMicros = int64_t{7} * 24 * 3600 * 1'000'000;

struct RequestKey {
  std::string user;
  std::string method;       // "SubmitJob"
  std::string request_id;   // 1 to 64 printable ASCII characters
  std::string fingerprint;  // of the request without its request_id, see codec.h
};

// INVALID_ARGUMENT naming the field request_id.
absl::Status CheckRequestId(std::string_view request_id);

// The answer given to this key before, or nothing. ALREADY_EXISTS when it came with another
// fingerprint. Keys older than 7 days count as never seen.
absl::StatusOr<std::optional<std::string>> FindAnswer(ReadTx& tx, const RequestKey& key,
                                                      int64_t now_micros);

// Keeps `answer` (any text) under the key; call it after FindAnswer found nothing, in the same
// transaction.
absl::Status RememberAnswer(Tx& tx, const RequestKey& key, const std::string& answer,
                            int64_t now_micros);

// Deletes the keys that are too old, some in each transaction, so that nobody waits long behind it;
// returns how many.
absl::StatusOr<int64_t> ForgetOldAnswers(Store& store, int64_t now_micros);

}  // namespace gradus::store
