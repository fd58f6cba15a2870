// SPDX-License-Identifier: Apache-2.0
#include "server/api/gate.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "proto/support/status_grpc.h"

namespace gradus::api {
namespace {

constexpr absl::string_view kScheme = "Bearer ";
// Of what a stranger sends, no more than this comes into the log.
constexpr size_t kLoggedMethodBytes = 128;

std::string PathOf(const grpc::AuthMetadataProcessor::InputMetadata& metadata) {
  const auto path = metadata.find(":path");
  return path == metadata.end() ? "" : std::string(path->second.data(), path->second.size());
}

grpc::Status Refuse(const std::string& method, const absl::Status& status) {
  base::LogWarning("call refused", {{"method", method.substr(0, kLoggedMethodBytes)},
                                    {"code", absl::StatusCodeToString(status.code())},
                                    {"reason", std::string(status.message())}});
  return support::ToGrpc(status);
}

}  // namespace

grpc::Status Gate::Process(const InputMetadata& metadata, grpc::AuthContext*, OutputMetadata*,
                           OutputMetadata*) {
  static constexpr auth::Rule kNoRule{.method = "an unknown method"};
  const std::string method = PathOf(metadata);
  const auth::Rule* rule = auth::FindRule(method);
  const absl::Status status = Check(metadata, rule == nullptr ? kNoRule : *rule).status();
  return status.ok() ? grpc::Status::OK : Refuse(method, status);
}

absl::StatusOr<auth::Principal> Gate::Identify(const grpc::ServerContextBase& context,
                                               const auth::Rule& rule) const {
  return Check(context.client_metadata(), rule);
}

absl::StatusOr<auth::Principal> Gate::Check(const InputMetadata& metadata,
                                            const auth::Rule& rule) const {
  if (rule.open) return auth::Principal();
  if (metadata.count("authorization") != 1) {
    return absl::UnauthenticatedError(
        "this call needs one token: metadata `authorization: Bearer TOKEN`");
  }
  const grpc::string_ref value = metadata.find("authorization")->second;
  const absl::string_view text(value.data(), value.size());
  if (!absl::StartsWithIgnoreCase(text, kScheme)) {
    return absl::UnauthenticatedError("the token must come as `authorization: Bearer TOKEN`");
  }
  ASSIGN_OR_RETURN(auth::Principal principal, tokens_.Check(text.substr(kScheme.size())));
  RETURN_IF_ERROR(auth::CheckCall(rule, principal));
  return principal;
}

}  // namespace gradus::api
