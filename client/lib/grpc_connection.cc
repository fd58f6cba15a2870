// SPDX-License-Identifier: Apache-2.0
// The connection over gRPC with TLS and a bearer token.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <iterator>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gradus/connection.h"
#include "gradus/v1/admin_service.grpc.pb.h"
#include "gradus/v1/dataset_service.grpc.pb.h"
#include "gradus/v1/job_service.grpc.pb.h"
#include "gradus/v1/model_service.grpc.pb.h"
#include "inference/grpc_predict_v2.grpc.pb.h"
#include "internal/pem.h"
#include "proto/support/keepalive.h"
#include "proto/support/status.h"
#include "proto/support/status_grpc.h"
#include "proto/support/status_macros.h"

namespace gradus {
namespace {

// How long a wait for the connection may not notice that it is asked to stop.
constexpr absl::Duration kLongestDeafness = absl::Milliseconds(100);
constexpr int kMostMessageBytes = 4 << 20;

// gRPC's words for a server that is not there name everything but the server.
absl::Status FromCall(const grpc::Status& call, const std::string& server) {
  constexpr absl::string_view kNobody[] = {"failed to connect to all addresses",
                                           "DNS resolution failed"};
  constexpr absl::string_view kStranger = "certificate verify failed";
  absl::Status status = support::FromGrpc(call);
  const absl::string_view message = status.message();
  if (absl::IsDeadlineExceeded(status) && message == "Deadline Exceeded") {
    return absl::DeadlineExceededError(
        absl::StrCat("the server at ", server, " did not answer in time"));
  }
  const bool nobody = std::any_of(std::begin(kNobody), std::end(kNobody),
                                  [&](auto words) { return absl::StartsWith(message, words); });
  if (!absl::IsUnavailable(status) || !nobody) return status;
  if (absl::StrContains(message, kStranger)) {
    return absl::UnavailableError(absl::StrCat(
        "who answers at ", server, " has no certificate of the authority that the profile names"));
  }
  const size_t cause = message.rfind(": ");
  return absl::UnavailableError(
      absl::StrCat("cannot reach the server at ", server,
                   cause == absl::string_view::npos ? "" : message.substr(cause)));
}

template <typename Response>
class GrpcResponseStream final : public ResponseStream<Response> {
 public:
  // `open` starts the call with the context of this stream.
  template <typename Open>
  GrpcResponseStream(std::string server, Open open)
      : server_(std::move(server)), reader_(open(&context_)) {}

  bool Read(Response* response) override { return reader_->Read(response); }
  absl::Status Finish() override { return FromCall(reader_->Finish(), server_); }
  void Cancel() override { context_.TryCancel(); }

 private:
  const std::string server_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<Response>> reader_;
};

class GrpcUploadStream final : public UploadStream {
 public:
  GrpcUploadStream(std::string server, v1::DatasetService::Stub& stub)
      : server_(std::move(server)), writer_(stub.AppendUpload(&context_, &response_)) {}

  bool Write(const v1::AppendUploadRequest& request) override { return writer_->Write(request); }

  absl::StatusOr<v1::AppendUploadResponse> Finish() override {
    writer_->WritesDone();
    const absl::Status status = FromCall(writer_->Finish(), server_);
    if (!status.ok()) return status;
    return response_;
  }

  void Cancel() override { context_.TryCancel(); }

 private:
  const std::string server_;
  grpc::ClientContext context_;
  v1::AppendUploadResponse response_;
  std::unique_ptr<grpc::ClientWriter<v1::AppendUploadRequest>> writer_;
};

class GrpcConnection final : public Connection {
 public:
  GrpcConnection(std::string server, const std::shared_ptr<grpc::Channel>& channel)
      : server_(std::move(server)),
        channel_(channel),
        jobs_(v1::JobService::NewStub(channel)),
        datasets_(v1::DatasetService::NewStub(channel)),
        models_(v1::ModelService::NewStub(channel)),
        inference_(inference::GRPCInferenceService::NewStub(channel)),
        admin_(v1::AdminService::NewStub(channel)) {}

// One line a method: the name says which member of which stub.
#define GRADUS_UNARY_OF(package, stub, Method)                                                 \
  absl::Status Method(const package::Method##Request& request,                                 \
                      package::Method##Response* response, const CallOptions& call) override { \
    grpc::ClientContext context;                                                               \
    context.set_deadline(absl::ToChronoTime(call.deadline));                                   \
    context.set_wait_for_ready(call.wait_for_connection);                                      \
    const std::stop_callback cancel(call.stop, [&context] { context.TryCancel(); });           \
    return FromCall((stub)->Method(&context, request, response), server_);                     \
  }
#define GRADUS_UNARY(stub, Method) GRADUS_UNARY_OF(v1, stub, Method)
#define GRADUS_STREAM(stub, Method)                                                                \
  std::unique_ptr<ResponseStream<v1::Method##Response>> Method(const v1::Method##Request& request) \
      override {                                                                                   \
    return std::make_unique<GrpcResponseStream<v1::Method##Response>>(                             \
        server_, [&](grpc::ClientContext* context) { return (stub)->Method(context, request); });  \
  }

  GRADUS_UNARY(jobs_, SubmitJob)
  GRADUS_UNARY(jobs_, ValidateJob)
  GRADUS_UNARY(jobs_, GetJob)
  GRADUS_UNARY(jobs_, ListJobs)
  GRADUS_UNARY(jobs_, PauseJob)
  GRADUS_UNARY(jobs_, ResumeJob)
  GRADUS_UNARY(jobs_, CancelJob)
  GRADUS_UNARY(jobs_, PublishCheckpoint)
  GRADUS_UNARY(jobs_, ExplainJob)
  GRADUS_UNARY(jobs_, ListMetrics)
  GRADUS_STREAM(jobs_, WatchJob)
  GRADUS_STREAM(jobs_, StreamLogs)

  GRADUS_UNARY(datasets_, BeginUpload)
  GRADUS_UNARY(datasets_, GetUpload)
  GRADUS_UNARY(datasets_, FinishUpload)
  GRADUS_UNARY(datasets_, AbortUpload)
  GRADUS_UNARY(datasets_, GetDataset)
  GRADUS_UNARY(datasets_, ListDatasets)
  GRADUS_UNARY(datasets_, RemoveDataset)
  std::unique_ptr<UploadStream> AppendUpload() override {
    return std::make_unique<GrpcUploadStream>(server_, *datasets_);
  }

  GRADUS_UNARY(models_, GetModel)
  GRADUS_UNARY(models_, ListModels)
  GRADUS_UNARY(models_, PushModel)
  GRADUS_UNARY(models_, RemoveModel)
  GRADUS_UNARY(models_, SetAlias)
  GRADUS_UNARY(models_, RemoveAlias)
  GRADUS_UNARY(models_, UpdateModel)
  GRADUS_UNARY(models_, SetRetention)
  GRADUS_UNARY(models_, LogModel)
  GRADUS_UNARY(models_, DiffModels)
  GRADUS_STREAM(models_, FetchModel)

  GRADUS_UNARY_OF(inference, inference_, ModelMetadata)
  GRADUS_UNARY_OF(inference, inference_, ModelInfer)

  GRADUS_UNARY(admin_, WhoAmI)

#undef GRADUS_UNARY
#undef GRADUS_UNARY_OF
#undef GRADUS_STREAM

  // A channel gets on with its connection only while somebody waits for it, and a call does not
  // where the attempt before it failed: without this, a server that came back would not be reached.
  bool Wait(absl::Duration duration, const std::stop_token& stop) override {
    const absl::Time end = absl::Now() + duration;
    while (!stop.stop_requested() && absl::Now() < end) {
      const grpc_connectivity_state state = channel_->GetState(true);
      if (state == GRPC_CHANNEL_READY) return Connection::Wait(end - absl::Now(), stop);
      channel_->WaitForStateChange(
          state, absl::ToChronoTime(std::min(end, absl::Now() + kLongestDeafness)));
    }
    return !stop.stop_requested();
  }

 private:
  // As the profile has it, for messages.
  const std::string server_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::JobService::Stub> jobs_;
  const std::unique_ptr<v1::DatasetService::Stub> datasets_;
  const std::unique_ptr<v1::ModelService::Stub> models_;
  const std::unique_ptr<inference::GRPCInferenceService::Stub> inference_;
  const std::unique_ptr<v1::AdminService::Stub> admin_;
};

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  constexpr support::Keepalive kKeepalive = support::kClientKeepalive;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(kKeepalive.ping_after.count()));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                   static_cast<int>(kKeepalive.answer_within.count()));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetMaxReceiveMessageSize(kMostMessageBytes);
  arguments.SetMaxSendMessageSize(kMostMessageBytes);
  arguments.SetCompressionAlgorithm(GRPC_COMPRESS_NONE);
  // The library above waits between attempts; the channel must not add minutes of its own.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // Two clients of one process (or of its past and present profile) do not share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

absl::Status CheckPems(const Profile& profile) {
  for (const auto& [name, text] :
       {std::pair<const char*, const std::string&>("ca_pem", profile.ca_pem()),
        {"client_cert_pem", profile.client_cert_pem()}}) {
    if (!text.empty() && !internal::IsCertificatePem(text))
      return support::FieldError(name, "is not a certificate in PEM form");
  }
  if (!profile.client_key_pem().empty() && !internal::IsPrivateKeyPem(profile.client_key_pem()))
    return support::FieldError("client_key_pem", "is not a private key in PEM form");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<Connection>> MakeConnection(const Profile& profile) {
  RETURN_IF_ERROR(CheckPems(profile));
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = profile.ca_pem();
  tls.pem_cert_chain = profile.client_cert_pem();
  tls.pem_private_key = profile.client_key_pem();
  const std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::CompositeChannelCredentials(
      grpc::SslCredentials(tls), grpc::AccessTokenCredentials(profile.token()));
  if (credentials == nullptr)
    return absl::InvalidArgumentError("the profile's certificates or token cannot be used");
  return std::make_shared<GrpcConnection>(
      profile.server(), grpc::CreateCustomChannel(profile.server(), credentials, Arguments()));
}

}  // namespace gradus
