// SPDX-License-Identifier: Apache-2.0
// WorkerService.Attach as a callback reactor: the transport of a RankSession.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>

#include "gradus/v1/worker_service.pb.h"
#include "server/api/follow_reactor.h"
#include "server/api/rank_session.h"

namespace gradus::api {

// Deletes itself when the call is done.
class AttachReactor : public grpc::ServerBidiReactor<v1::AttachRequest, v1::AttachResponse>,
                      private RankSession::Sink {
 public:
  AttachReactor(const StreamParts& parts, jobs::Jobs& jobs,
                const grpc::CallbackServerContext& context);

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  absl::Status Admit(const v1::Hello& hello) override;
  void Read() override;
  void Send(const v1::AttachResponse& response) override;
  void End(const absl::Status& status) override;

  const Frame& frame_;
  const grpc::CallbackServerContext& context_;
  Call call_;
  v1::AttachRequest request_;
  v1::AttachResponse response_;
  const std::shared_ptr<RankSession> session_;
};

}  // namespace gradus::api
