// SPDX-License-Identifier: Apache-2.0
#include "server/api/attach_reactor.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::api {

AttachReactor::AttachReactor(const StreamParts& parts, jobs::Jobs& jobs,
                             const grpc::CallbackServerContext& context)
    : frame_(*parts.frame),
      context_(context),
      session_(std::make_shared<RankSession>(jobs, *parts.pool, *parts.hub,
                                             static_cast<RankSession::Sink*>(this))) {
  session_->Start();
}

void AttachReactor::OnReadDone(bool ok) {
  session_->Received(ok ? std::optional<v1::AttachRequest>(std::move(request_)) : std::nullopt);
}
void AttachReactor::OnWriteDone(bool ok) { session_->Sent(ok); }
void AttachReactor::OnCancel() { session_->Cancel(); }
void AttachReactor::OnDone() { delete this; }

absl::Status AttachReactor::Admit(const v1::Hello& hello) {
  RETURN_IF_ERROR(frame_.Admit(context_, request_, &call_));
  return auth::CheckAttempt(*call_.rule, call_.principal, hello.job_id(), hello.attempt());
}

void AttachReactor::Read() {
  request_.Clear();
  StartRead(&request_);
}

void AttachReactor::Send(const v1::AttachResponse& response) {
  response_ = response;
  StartWrite(&response_);
}

void AttachReactor::End(const absl::Status& status) { Finish(frame_.Conclude(call_, status)); }

}  // namespace gradus::api
