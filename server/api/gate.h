// SPDX-License-Identifier: Apache-2.0
// The one door: every call that reaches the server, of any service and known or not, passes here
// before anything else runs.
#pragma once

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/server_context.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/auth/policy.h"
#include "server/auth/tokens.h"

namespace gradus::api {

// Refuses calls without a valid bearer token (`authorization: Bearer TOKEN`), with a token whose
// role may not use the method, and methods that have no row in the policy table. It hangs in the
// transport's credentials, so reflection and unknown methods are covered like our own services.
// Unknown methods answer UNAUTHENTICATED without a token, PERMISSION_DENIED with one.
//   Owns     nothing: tokens must outlive it.
//   Threads  any; it never blocks (tokens are held in memory), so it runs on the transport's own
//   threads.
class Gate : public grpc::AuthMetadataProcessor {
 public:
  explicit Gate(const auth::Tokens& tokens) : tokens_(tokens) {}

  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* consumed, OutputMetadata* response) override;

  // Whose call this is, and whether they may make it; asked again where the call is handled, since
  // the transport's context belongs to the connection, which callers may share.
  absl::StatusOr<auth::Principal> Identify(const grpc::ServerContextBase& context,
                                           const auth::Rule& rule) const;

 private:
  absl::StatusOr<auth::Principal> Check(const InputMetadata& metadata,
                                        const auth::Rule& rule) const;

  const auth::Tokens& tokens_;
};

}  // namespace gradus::api
