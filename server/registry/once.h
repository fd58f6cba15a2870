// SPDX-License-Identifier: Apache-2.0
// A mutating call that is done once however often it is asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/status.h"
#include "server/store/codec.h"
#include "server/store/request_keys.h"
#include "server/store/store.h"

namespace gradus::registry {

// Runs `work`: absl::StatusOr<Response>(store::Tx&), and keeps its answer under the request's
// request_id in the same transaction; a repeated request gets that answer and changes nothing.
//   Errors   the work's; INVALID_ARGUMENT with the field request_id; ALREADY_EXISTS for the request
//            id of another request.
template <typename Response, typename Request, typename Work>
absl::StatusOr<Response> Once(store::Store& store, base::Clock& clock, const std::string& user,
                              const Request& request, Work work) {
  RETURN_IF_ERROR(store::CheckRequestId(request.request_id()));
  Request content = request;
  content.clear_request_id();
  std::string method = Request::descriptor()->name();
  method.resize(method.size() - std::string_view("Request").size());
  const store::RequestKey key{user, method, request.request_id(), store::Fingerprint(content)};
  Response response;
  RETURN_IF_ERROR(store.Write([&](store::Tx& tx) -> absl::Status {
    const int64_t now = clock.NowMicros();
    ASSIGN_OR_RETURN(const std::optional<std::string> answer, store::FindAnswer(tx, key, now));
    if (answer.has_value()) return store::DecodeInto(*answer, &response);
    ASSIGN_OR_RETURN(response, work(tx));
    return store::RememberAnswer(tx, key, store::Encode(response), now);
  }));
  return response;
}

}  // namespace gradus::registry
