// SPDX-License-Identifier: Apache-2.0
// A program outside this tree that uses the installed client library: it asks a server that is not
// there.
#include <gradus/client.h>
#include <gradus/connection.h>
#include <gradus/data_push.h>
#include <gradus/job_builder.h>
#include <gradus/model_cache.h>
#include <gradus/model_fetch.h>
#include <gradus/model_push.h>
#include <gradus/model_tensors.h>
#include <gradus/predict.h>
#include <gradus/profile.h>
#include <gradus/retry.h>
#include <gradus/version.h>
#include <gradus/watch.h>

#include <iostream>

#if defined(GRPCPP_GRPCPP_H) || defined(GRPC_GRPC_H) || defined(GRPC_STATUS_H) || \
    defined(GRPC_IMPL_CODEGEN_PORT_PLATFORM_H)
#error "a public header brings gRPC with it"
#endif

int main() {
  gradus::Profile profile;
  profile.set_server("127.0.0.1:1");
  gradus::RetryOptions options;
  options.deadline = absl::Milliseconds(300);
  const auto client = gradus::Client::Connect(profile, options);
  if (!client.ok()) {
    std::cout << client.status() << "\n";
    return 1;
  }
  const absl::Status status = client->GetJob("j1").status();
  std::cout << status << "\n";
  return status.code() == absl::StatusCode::kUnavailable ? 0 : 1;
}
