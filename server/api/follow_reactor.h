// SPDX-License-Identifier: Apache-2.0
// A server stream of a job's events as a callback reactor: holds no thread while it waits.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "server/api/follower.h"
#include "server/api/frame.h"

namespace gradus::api {

// What a stream stands on; all outlive every stream.
struct StreamParts {
  const Frame* frame = nullptr;
  events::EventLog* log = nullptr;
  WorkPool* pool = nullptr;
  StreamHub* hub = nullptr;
};

// FILL puts events into a response. Deletes itself when the call is done.
template <typename Request, typename Response>
class FollowReactor : public grpc::ServerWriteReactor<Response>, private Follower::Sink {
 public:
  using Fill = void (*)(std::vector<v1::Event> events, Response& response);

  FollowReactor(const StreamParts& parts, const grpc::CallbackServerContext& context,
                const Request& request, const FollowQuery& query, Fill fill)
      : frame_(*parts.frame),
        context_(context),
        request_(request),
        fill_(fill),
        follower_(std::make_shared<Follower>(query, *parts.log, *parts.pool, *parts.hub,
                                             static_cast<Follower::Sink*>(this))) {
    follower_->Start();
  }

 private:
  void OnWriteDone(bool ok) override { follower_->Sent(ok); }
  void OnCancel() override { follower_->Cancel(); }
  void OnDone() override { delete this; }

  absl::Status Admit() override { return frame_.Admit(context_, request_, &call_); }
  void Send(std::vector<v1::Event> events) override {
    response_.Clear();
    fill_(std::move(events), response_);
    this->StartWrite(&response_);
  }
  void End(const absl::Status& status) override { this->Finish(frame_.Conclude(call_, status)); }

  const Frame& frame_;
  const grpc::CallbackServerContext& context_;
  const Request& request_;
  const Fill fill_;
  Call call_;
  Response response_;
  const std::shared_ptr<Follower> follower_;
};

}  // namespace gradus::api
