// SPDX-License-Identifier: Apache-2.0
#include "server/api/reflection_limit.h"

#include <grpcpp/server_context.h>

#include <atomic>
#include <optional>

#include "absl/strings/match.h"

namespace gradus::api {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// Lives as long as its call.
class BoundedStream final : public Interceptor {
 public:
  BoundedStream(ServerRpcInfo* call, std::atomic<int>& open, CallWatch& watch, int64_t allowed)
      : call_(call), open_(open), watch_(watch), allowed_micros_(allowed), rank_(++open) {}
  ~BoundedStream() override { --open_; }

  void Intercept(InterceptorBatchMethods* methods) override {
    // The first hook of a call: before it there is nothing to be cancelled.
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      const auto cancel = [call = call_] { call->server_context()->TryCancel(); };
      if (rank_ > kReflectionStreams) {
        cancel();
      } else {
        guard_.emplace(watch_, allowed_micros_, cancel);
      }
    }
    methods->Proceed();
  }

 private:
  ServerRpcInfo* const call_;
  std::atomic<int>& open_;
  CallWatch& watch_;
  const int64_t allowed_micros_;
  const int rank_;  // open streams when this one came, itself included
  std::optional<CallWatch::Guard> guard_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Factory(CallWatch& watch, int64_t allowed_micros)
      : watch_(watch), allowed_micros_(allowed_micros) {}

  Interceptor* CreateServerInterceptor(ServerRpcInfo* call) override {
    if (!absl::StartsWith(call->method(), "/grpc.reflection.")) return nullptr;
    return new BoundedStream(call, open_, watch_, allowed_micros_);
  }

 private:
  CallWatch& watch_;
  const int64_t allowed_micros_;
  std::atomic<int> open_ = 0;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> LimitReflection(
    CallWatch& watch, int64_t allowed_micros) {
  return std::make_unique<Factory>(watch, allowed_micros);
}

}  // namespace gradus::api
