// SPDX-License-Identifier: Apache-2.0
#include "server/api/admin_service.h"

#include <google/protobuf/util/time_util.h>

namespace gradus::api {

grpc::Status AdminService::WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest* request,
                                  v1::WhoAmIResponse* response) {
  return frame_.Handle(
      context, *request, response, [this](const Call& call) -> absl::StatusOr<v1::WhoAmIResponse> {
        v1::WhoAmIResponse me;
        me.set_user(call.principal.user);
        me.set_role(auth::RoleName(call.principal.role));
        *me.mutable_token_expires_at() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(
            call.principal.expires_at_micros);
        me.set_server_version(version_);
        return me;
      });
}

}  // namespace gradus::api
