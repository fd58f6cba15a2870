// SPDX-License-Identifier: Apache-2.0
// A rank's way to a FakeWorkerServer: configuration, endpoint file, plain channels.
#pragma once

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "engine/base/file_ops.h"
#include "server/worker/server_link.h"
#include "tests/support/fake_worker_server.h"
#include "tests/support/temp_dir.h"

namespace gradus::test_support {

inline std::shared_ptr<grpc::Channel> PlainChannel(const std::string& endpoint) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), arguments);
}

// Owns the server and a work folder.
struct LinkFixture {
  static constexpr int64_t kFence = 41;

  LinkFixture() {
    server.Start();
    WriteEndpoint();
  }
  void WriteEndpoint() const {
    base::WriteFileAtomically(base::RealFiles(), dir / "endpoint", server.endpoint()).IgnoreError();
  }
  // As a server that is killed and started again: another port, the same store.
  void RestartServer() {
    server.Stop();
    server.Start();
    WriteEndpoint();
  }
  v1::WorkerConfig Config() const {
    v1::WorkerConfig config;
    config.set_job_id("j1");
    config.set_attempt(1);
    config.set_fence(kFence);
    config.set_work_dir(dir.path());
    config.set_endpoint_file(dir / "endpoint");
    return config;
  }

  TempDir dir;
  FakeWorkerServer server{kFence};
};

}  // namespace gradus::test_support
