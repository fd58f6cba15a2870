// SPDX-License-Identifier: Apache-2.0
#include "server/api/server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "proto/support/keepalive.h"
#include "server/api/reflection_limit.h"

namespace gradus::api {
namespace {

// Messages to us are 1 MiB at most, and a little for what surrounds the payload.
constexpr int kMaxReceivedBytes = (1 << 20) + (64 << 10);
// A job or model of many layers comes back larger than it came, with every default filled in: up to
// what any client takes unless it is told otherwise. All else is paged or sent in pieces.
constexpr int kMaxSentBytes = 4 << 20;
constexpr int kMaxMetadataBytes = 16 << 10;
constexpr int kMaxStreamsPerConnection = 100;
constexpr int kHandshakeMillis = 10'000;
// Threads for calls that read or write the store. A call beyond them is RESOURCE_EXHAUSTED, which
// clients retry.
constexpr int kMaxThreads = 40;
constexpr int kReadAheadBytes = 1 << 20;
constexpr int64_t kReflectionMicros = 60'000'000;
constexpr size_t kTransportBytes = size_t{768} << 20;
constexpr unsigned kCertificateRefreshSeconds = 60;

int Millis(std::chrono::milliseconds duration) { return static_cast<int>(duration.count()); }

void LimitTransport(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxReceivedBytes);
  builder.SetMaxSendMessageSize(kMaxSentBytes);
  // A compressed message grows without bound when it is read.
  builder.SetDefaultCompressionAlgorithm(GRPC_COMPRESS_NONE);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                             Millis(support::kServerKeepalive.ping_after));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             Millis(support::kServerKeepalive.answer_within));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Millis(support::kLeastPingSpacing));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Else the transport reads ahead of a slow disk as far as the line allows: 60 MiB an upload on
  // this machine.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kReadAheadBytes);
  // Else a second server on the same port would quietly share its connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::ResourceQuota quota("gradusd");
  quota.SetMaxThreads(kMaxThreads);
  quota.Resize(kTransportBytes);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 4);
}

std::shared_ptr<grpc::ServerCredentials> Credentials(const ServerOptions& options,
                                                     std::shared_ptr<Gate> gate) {
  auto files = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      options.key_path, options.cert_path, options.ca_path, kCertificateRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions tls(std::move(files));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_cert_request_type(options.require_client_certificate
                                ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  std::shared_ptr<grpc::ServerCredentials> credentials =
      grpc::experimental::TlsServerCredentials(tls);
  credentials->SetAuthMetadataProcessor(std::move(gate));
  return credentials;
}

void LogTransport(gpr_log_func_args* args) {
  base::Log(base::LogLevel::kWarning, "transport",
            {{"text", args->message}, {"at", absl::StrCat(args->file, ":", args->line)}});
}

void LogProtobuf(google::protobuf::LogLevel, const char* file, int line, const std::string& text) {
  base::Log(base::LogLevel::kWarning, "protobuf",
            {{"text", text}, {"at", absl::StrCat(file, ":", line)}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      std::shared_ptr<Gate> gate, CallWatch& watch,
                                                      const std::vector<grpc::Service*>& services) {
  RETURN_IF_ERROR(ProbeListenAddress(options.listen));
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::channelz::experimental::InitChannelzService();
  grpc::ServerBuilder builder;
  LimitTransport(builder);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(LimitReflection(watch, kReflectionMicros));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  ListenAddress address = options.listen;
  builder.AddListeningPort(options.listen.Text(), Credentials(options, std::move(gate)),
                           &address.port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || address.port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options.listen.Text()));
  }
  return std::unique_ptr<Server>(new Server(std::move(address), std::move(server)));
}

Server::~Server() { Shutdown(0); }

void Server::SetServing(bool serving) {
  if (server_->GetHealthCheckService() != nullptr)
    server_->GetHealthCheckService()->SetServingStatus(serving);
}

void Server::Shutdown(int64_t grace_micros) {
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::microseconds(grace_micros));
}

void SendLibrariesLogToOurs() {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  gpr_set_log_function(LogTransport);
  google::protobuf::SetLogHandler(LogProtobuf);
}

}  // namespace gradus::api
