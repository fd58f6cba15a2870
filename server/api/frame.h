// SPDX-License-Identifier: Apache-2.0
// What every handler shares: who calls and whether they may, the server's deadline, errors on the
// wire, one log line a call.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>

#include <functional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/api/call.h"
#include "server/api/call_places.h"
#include "server/api/call_watch.h"
#include "server/api/gate.h"
#include "server/api/rate_limit.h"

namespace gradus::api {

// Who owns the object of a name, by kind of object; NOT_FOUND when there is none.
struct Owners {
  using Lookup = std::function<absl::StatusOr<std::string>(const std::string&)>;
  Lookup job, upload, dataset, model;
};

inline constexpr int64_t kUnaryMicros = 30'000'000;
// A stream's longest silence.
inline constexpr int64_t kSilenceMicros = 60'000'000;

// A handler is one line: `return frame_.Handle(context, *request, response, [&](const Call& call) {
// ... })`, whose function does the work for a caller who may, and returns a StatusOr of the
// response. The method, and so its row in the policy table, is found by the request's type, which
// belongs to one method alone.
//   Owns     the places for long calls; everything given to it must outlive it.
//   Threads  any.
class Frame {
 public:
  Frame(const Gate& gate, Owners owners, RateLimiter& rate, CallWatch& watch, base::Clock& clock)
      : gate_(gate), owners_(std::move(owners)), rate_(rate), watch_(watch), clock_(clock) {}

  // A unary call. FN: absl::StatusOr<Response>(const Call&). A call that takes longer than
  // `allowed_micros` is cancelled; where that is more than usual it needs a place (CallPlaces), as
  // the streams below do.
  template <typename Request, typename Response, typename Fn>
  grpc::Status Handle(grpc::ServerContext* context, const Request& request, Response* response,
                      Fn&& fn, int64_t allowed_micros = kUnaryMicros) const {
    CallPlaces::Hold place;
    if (allowed_micros > kUnaryMicros) {
      const grpc::Status entered = Enter(*context, *Request::descriptor(), &place);
      if (!entered.ok()) return entered;
    }
    return Run(*context, request, allowed_micros,
               [&](const Call& call, CallWatch::Guard&) -> absl::Status {
                 absl::StatusOr<Response> made = fn(call);
                 if (made.ok()) *response = *std::move(made);
                 return made.status();
               });
  }

  // A server stream that a thread of its own writes. FN: absl::Status(const Call&, send), where
  // send(const Response&) blocks while the client is slow and returns CANCELLED once it is gone or
  // has read nothing for kSilenceMicros.
  template <typename Request, typename Response, typename Fn>
  grpc::Status HandleServerStream(grpc::ServerContext* context, const Request& request,
                                  grpc::ServerWriter<Response>* writer, Fn&& fn) const {
    CallPlaces::Hold place;
    const grpc::Status entered = Enter(*context, *Request::descriptor(), &place);
    if (!entered.ok()) return entered;
    return Run(*context, request, kSilenceMicros,
               [&](const Call& call, CallWatch::Guard& guard) -> absl::Status {
                 return fn(call, [&](const Response& response) -> absl::Status {
                   if (!writer->Write(response))
                     return absl::CancelledError("the client has gone away");
                   guard.Extend(kSilenceMicros);
                   return absl::OkStatus();
                 });
               });
  }

  // A client stream. The first message names the object and is checked like a unary call's request.
  // FN: absl::StatusOr<Response>(const Call&, Request& first, next), where next(Request*) blocks
  // for the next message and is false at the stream's end.
  template <typename Request, typename Response, typename Fn>
  grpc::Status HandleClientStream(grpc::ServerContext* context, grpc::ServerReader<Request>* reader,
                                  Response* response, Fn&& fn) const {
    CallPlaces::Hold place;
    const grpc::Status entered = Enter(*context, *Request::descriptor(), &place);
    if (!entered.ok()) return entered;
    Request first;
    bool open = false;
    {
      CallWatch::Guard guard(watch_, kSilenceMicros, [context] { context->TryCancel(); });
      open = reader->Read(&first);
    }
    if (!open)
      return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                          "the stream ended before its first message");
    return Run(*context, first, kSilenceMicros,
               [&](const Call& call, CallWatch::Guard& guard) -> absl::Status {
                 absl::StatusOr<Response> made = fn(call, first, [&](Request* request) {
                   const bool more = reader->Read(request);
                   guard.Extend(kSilenceMicros);
                   return more;
                 });
                 if (made.ok()) *response = *std::move(made);
                 return made.status();
               });
  }

  // The parts, for handlers that are reactors. Admit fills in what it finds out even where it
  // refuses; it may block for one look-up in the store.
  absl::Status Admit(const grpc::ServerContextBase& context,
                     const google::protobuf::Message& request, Call* call) const;
  // Logs the call's end and puts the status on the wire.
  grpc::Status Conclude(const Call& call, const absl::Status& status) const;

 private:
  // Who calls which method; fills in what it finds out even where it refuses.
  absl::Status Identify(const grpc::ServerContextBase& context,
                        const google::protobuf::Descriptor& request, Call* call) const;
  // A place for a call that may hold its thread for long, before anything of it is read.
  grpc::Status Enter(const grpc::ServerContextBase& context,
                     const google::protobuf::Descriptor& request, CallPlaces::Hold* place) const;
  grpc::Status Run(grpc::ServerContext& context, const google::protobuf::Message& request,
                   int64_t allowed_micros,
                   absl::FunctionRef<absl::Status(const Call&, CallWatch::Guard&)> body) const;
  absl::Status CheckOwner(const Call& call) const;

  const Gate& gate_;
  const Owners owners_;
  RateLimiter& rate_;
  CallWatch& watch_;
  base::Clock& clock_;
  // Together well below the transport's threads (server.cc).
  mutable CallPlaces people_{16, 8};
  mutable CallPlaces ranks_{12, 4};
};

// The policy's row for the method that takes this request; nullptr when no service does, or the
// method has no row.
const auth::Rule* RuleOf(const google::protobuf::Descriptor& request);

}  // namespace gradus::api
