// SPDX-License-Identifier: Apache-2.0
// A channel lives until a call on it fails: a restarted server may listen elsewhere.
#include "server/worker/server_link.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "engine/base/file_ops.h"
#include "proto/support/keepalive.h"

namespace gradus::worker {
namespace {

constexpr int kConnectTimeoutMs = 5'000;
constexpr int kMostMessageBytes = 4 << 20;
constexpr size_t kMaxEndpoint = 1024;

}  // namespace

ChannelFactory TlsChannels(const v1::Profile& profile) {
  return [profile](const std::string& endpoint) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = profile.ca_pem();
    tls.pem_cert_chain = profile.client_cert_pem();
    tls.pem_private_key = profile.client_key_pem();
    grpc::ChannelArguments arguments;
    constexpr support::Keepalive kKeepalive = support::kClientKeepalive;
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(kKeepalive.ping_after.count()));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                     static_cast<int>(kKeepalive.answer_within.count()));
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetMaxReceiveMessageSize(kMostMessageBytes);
    arguments.SetCompressionAlgorithm(GRPC_COMPRESS_NONE);
    return grpc::CreateCustomChannel(
        endpoint,
        grpc::CompositeChannelCredentials(grpc::SslCredentials(tls),
                                          grpc::AccessTokenCredentials(profile.token())),
        arguments);
  };
}

bool MayPass(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDataLoss:
      return false;
    default:
      return true;
  }
}

ServerLink::ServerLink(const v1::WorkerConfig& config, ChannelFactory channels, base::Files& files,
                       base::Clock& clock)
    : config_(config), channels_(std::move(channels)), files_(files), clock_(clock) {}

std::string ServerLink::endpoint() const {
  if (!config_.endpoint_file().empty()) {
    const absl::StatusOr<std::string> text =
        base::ReadFile(files_, config_.endpoint_file(), kMaxEndpoint);
    if (text.ok()) {
      const absl::string_view stripped = absl::StripAsciiWhitespace(*text);
      if (!stripped.empty()) return std::string(stripped);
    }
  }
  return config_.profile().server();
}

std::shared_ptr<v1::WorkerService::StubInterface> ServerLink::stub() {
  {
    base::MutexLock lock(mu_);
    if (stub_ != nullptr) return stub_;
  }
  std::shared_ptr<v1::WorkerService::StubInterface> made =
      v1::WorkerService::NewStub(channels_(endpoint()));
  base::MutexLock lock(mu_);
  if (stub_ == nullptr) stub_ = std::move(made);
  return stub_;
}

void ServerLink::Renew() {
  base::MutexLock lock(mu_);
  stub_ = nullptr;
}

void ServerLink::Shutdown() {
  base::MutexLock lock(mu_);
  shut_down_ = true;
  for (grpc::ClientContext* call : calls_) call->TryCancel();
  changed_.SignalAll();
}

bool ServerLink::is_shut_down() {
  base::MutexLock lock(mu_);
  return shut_down_;
}

bool ServerLink::Sleep(int64_t micros) {
  base::MutexLock lock(mu_);
  return !clock_.WaitFor(mu_, changed_, micros, [this]() {
    mu_.AssertHeld();
    return shut_down_;
  });
}

Call::Call(ServerLink& link) : link_(link) {
  base::MutexLock lock(link_.mu_);
  link_.calls_.insert(&context_);
  if (link_.shut_down_) context_.TryCancel();
}

Call::~Call() {
  base::MutexLock lock(link_.mu_);
  link_.calls_.erase(&context_);
}

}  // namespace gradus::worker
