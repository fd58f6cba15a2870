// SPDX-License-Identifier: Apache-2.0
// Bounds the streams of the reflection service, which the library brings along: each holds a thread
// for as long as its client likes.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <cstdint>
#include <memory>

#include "server/api/call_watch.h"

namespace gradus::api {

// At most this many at once; one more is cancelled.
inline constexpr int kReflectionStreams = 4;

// Goes into a ServerBuilder. Cancels streams of reflection that are too many, or that last longer
// than `allowed_micros`; leaves all other calls alone.
//   Owns     nothing: the watch must outlive the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> LimitReflection(
    CallWatch& watch, int64_t allowed_micros);

}  // namespace gradus::api
