// SPDX-License-Identifier: Apache-2.0
// As LinkFixture, over TLS with certificates of an authority of its own: what a rank's program
// needs.
#pragma once

#include <memory>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/file_ops.h"
#include "gradus/v1/config.pb.h"
#include "server/auth/tls.h"
#include "tests/support/fake_worker_server.h"
#include "tests/support/temp_dir.h"

namespace gradus::test_support {

struct SecureLinkFixture {
  static constexpr int64_t kFence = 41;

  SecureLinkFixture() {
    authority = *auth::Authority::Open(base::RealFiles(), base::RealClock(), dir / "tls");
    authority->EnsureServerCertificate(auth::ServerHosts("127.0.0.1")).status().IgnoreError();
    Start();
  }
  void Start() {
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = authority->ca_pem();
    options.pem_key_cert_pairs.push_back(
        {Read(authority->server_key_path()), Read(authority->server_cert_path())});
    server.Start(grpc::SslServerCredentials(options));
    base::WriteFileAtomically(base::RealFiles(), dir / "endpoint", server.endpoint()).IgnoreError();
  }
  v1::WorkerConfig Config() const {
    v1::WorkerConfig config;
    const auto client = authority->IssueClient("rank");
    config.mutable_profile()->set_server(server.endpoint());
    config.mutable_profile()->set_ca_pem(authority->ca_pem());
    config.mutable_profile()->set_client_cert_pem(client->cert_pem);
    config.mutable_profile()->set_client_key_pem(client->key_pem);
    config.mutable_profile()->set_token("a-token");
    config.set_job_id("j1");
    config.set_attempt(1);
    config.set_fence(kFence);
    config.set_work_dir(dir.path());
    config.set_endpoint_file(dir / "endpoint");
    return config;
  }
  static std::string Read(const std::string& path) {
    return base::ReadFile(base::RealFiles(), path, 1 << 20).value_or("");
  }

  TempDir dir;
  std::unique_ptr<auth::Authority> authority;
  FakeWorkerServer server{kFence};
};

}  // namespace gradus::test_support
