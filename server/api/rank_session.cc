// SPDX-License-Identifier: Apache-2.0
#include "server/api/rank_session.h"

#include <utility>

#include "engine/base/status.h"

namespace gradus::api {

void RankSession::Start() {
  std::weak_ptr<RankSession> weak = weak_from_this();
  strand_.Post([self = shared_from_this(), weak] {
    self->membership_ = self->hub_.Join([weak] {
      if (auto open = weak.lock()) {
        RankSession* session = open.get();
        session->strand_.Post([open = std::move(open)] {
          open->Stop(absl::UnavailableError("the server is stopping: attach again"));
        });
      }
    });
    self->sink_->Read();
  });
}

void RankSession::Received(std::optional<v1::AttachRequest> request) {
  strand_.Post([self = shared_from_this(), request = std::move(request)] {
    if (self->ended_ || self->stop_.has_value()) return;
    if (!request.has_value()) return self->Stop(absl::OkStatus());
    const absl::Status status = self->Handle(*request);
    if (!status.ok()) return self->Stop(status);
    if (self->last_word_stored_) {
      self->Stop(absl::OkStatus());
    } else {
      self->sink_->Read();
    }
    self->Pump();
  });
}

void RankSession::Sent(bool ok) {
  strand_.Post([self = shared_from_this(), ok] {
    self->sending_ = false;
    if (!ok) self->stop_ = absl::CancelledError("the rank has gone away");
    self->Pump();
  });
}

void RankSession::Cancel() {
  strand_.Post(
      [self = shared_from_this()] { self->Stop(absl::CancelledError("the rank has gone away")); });
}

absl::Status RankSession::Handle(const v1::AttachRequest& request) {
  if (request.has_hello() != !key_.has_value()) {
    return base::InvalidArgument("kind", request.has_hello() ? "a second hello" : "no hello",
                                 "one hello as the stream's first message");
  }
  if (request.has_hello()) return Attach(request.hello());
  if (request.has_heartbeat())
    return attachment_ == nullptr ? absl::OkStatus() : attachment_->Heard(request.heartbeat());
  if (!request.has_events())
    return base::InvalidArgument("kind", "nothing", "events or a heartbeat");
  ASSIGN_OR_RETURN(ack_, jobs_.Report(*key_, request.events()));
  return absl::OkStatus();
}

absl::Status RankSession::Attach(const v1::Hello& hello) {
  RETURN_IF_ERROR(sink_->Admit(hello));
  std::weak_ptr<RankSession> weak = weak_from_this();
  ASSIGN_OR_RETURN(jobs::AttachReply reply,
                   jobs_.Attach(hello, [weak](const v1::AttachResponse& word) {
                     if (auto self = weak.lock()) self->Note(word);
                   }));
  key_ =
      executors::RankKey{.job = hello.job_id(), .attempt = hello.attempt(), .fence = hello.fence()};
  attachment_ = std::move(reply.attachment);
  last_word_stored_ = attachment_ == nullptr;
  if (reply.assignment.has_value()) {
    *first_.emplace_back().mutable_assignment() = *std::move(reply.assignment);
  } else {
    ack_ = reply.acked;
  }
  return absl::OkStatus();
}

void RankSession::Note(const v1::AttachResponse& word) {
  strand_.Post([self = shared_from_this(), word] {
    if (self->ended_) return;
    if (word.kind_case() == v1::AttachResponse::KIND_NOT_SET)
      return self->Stop(absl::UnavailableError("another server leads now: attach again"));
    // A rank that reads slowly needs the newest meeting alone.
    if (word.has_meeting())
      std::erase_if(self->words_, [](const auto& waiting) { return waiting.has_meeting(); });
    self->words_.push_back(word);
    // Until the attach has been answered, it waits behind the assignment.
    if (self->key_.has_value()) self->Pump();
  });
}

void RankSession::Pump() {
  if (ended_ || sending_) return;
  if (stop_.has_value() && !stop_->ok()) return End(*stop_);
  v1::AttachResponse response;
  if (!first_.empty()) {
    response = std::move(first_.front());
    first_.pop_front();
  } else if (ack_.has_value()) {
    response.mutable_ack()->set_worker_seq(*std::exchange(ack_, std::nullopt));
  } else if (!words_.empty()) {
    response = std::move(words_.front());
    words_.pop_front();
  } else {
    if (stop_.has_value()) End(*stop_);
    return;
  }
  sending_ = true;
  sink_->Send(response);
}

void RankSession::Stop(const absl::Status& status) {
  if (ended_ || (stop_.has_value() && !stop_->ok())) return;
  stop_ = status;
  Pump();
}

void RankSession::End(const absl::Status& status) {
  ended_ = true;
  attachment_.reset();
  membership_.reset();
  sink_->End(status);
}

}  // namespace gradus::api
