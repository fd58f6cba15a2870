// SPDX-License-Identifier: Apache-2.0
// absl::Status to grpc::Status and back, details included. The only place that knows both.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace gradus::support {

// Code and message; the payloads go as google.rpc.Status in the details: a field's path becomes a
// google.rpc.BadRequest, a reason a google.rpc.ErrorInfo of the domain "gradus", a delay a
// google.rpc.RetryInfo, and payloads under "type.googleapis.com/" stay what they are. Other
// payloads are for this process alone.
grpc::Status ToGrpc(const absl::Status& status);

// The way back; details that are no google.rpc.Status are left out, and a code gRPC does not define
// is UNKNOWN.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace gradus::support
