// SPDX-License-Identifier: Apache-2.0
// AdminService: the server and its people.
#pragma once

#include "gradus/v1/admin_service.grpc.pb.h"
#include "server/api/frame.h"

namespace gradus::api {

class AdminService final : public v1::AdminService::Service {
 public:
  AdminService(const Frame& frame, std::string version)
      : frame_(frame), version_(std::move(version)) {}

  grpc::Status WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest* request,
                      v1::WhoAmIResponse* response) override;

 private:
  const Frame& frame_;
  const std::string version_;
};

}  // namespace gradus::api
