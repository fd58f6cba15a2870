// SPDX-License-Identifier: Apache-2.0
#include "server/api/frame.h"

#include <google/protobuf/descriptor.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "proto/support/status_grpc.h"

namespace gradus::api {
namespace {

// Of a text that comes from outside, no more than this goes into the log.
constexpr size_t kLoggedBytes = 256;

std::string KeyOf(const auth::Rule& rule, const google::protobuf::Message& request) {
  const auto* field = request.GetDescriptor()->FindFieldByName(std::string(rule.key));
  return field == nullptr ? "" : request.GetReflection()->GetString(request, field);
}

const char* WordOf(auth::Object object) {
  switch (object) {
    case auth::Object::kJob:
      return "job";
    case auth::Object::kUpload:
      return "upload";
    case auth::Object::kDataset:
      return "dataset";
    case auth::Object::kModel:
      return "model";
    default:
      return "object";
  }
}

// Faults of the server, as against refusals of what was asked.
bool IsFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kDataLoss ||
         code == absl::StatusCode::kUnknown;
}

}  // namespace

const auth::Rule* RuleOf(const google::protobuf::Descriptor& request) {
  const google::protobuf::FileDescriptor& file = *request.file();
  for (int s = 0; s < file.service_count(); ++s) {
    const auto& service = *file.service(s);
    for (int m = 0; m < service.method_count(); ++m) {
      if (service.method(m)->input_type() == &request) {
        return auth::FindRule(
            absl::StrCat("/", service.full_name(), "/", service.method(m)->name()));
      }
    }
  }
  return nullptr;
}

absl::Status Frame::Identify(const grpc::ServerContextBase& context,
                             const google::protobuf::Descriptor& request, Call* call) const {
  call->rule = RuleOf(request);
  call->peer = context.peer();
  call->started_micros = clock_.MonotonicMicros();
  if (call->rule == nullptr) return absl::PermissionDeniedError("nobody may call this method");
  ASSIGN_OR_RETURN(call->principal, gate_.Identify(context, *call->rule));
  if (call->principal.role == auth::Role::kWorker)
    call->object = absl::StrCat(call->principal.job, "-", call->principal.attempt);
  return absl::OkStatus();
}

absl::Status Frame::Admit(const grpc::ServerContextBase& context,
                          const google::protobuf::Message& request, Call* call) const {
  RETURN_IF_ERROR(Identify(context, *request.GetDescriptor(), call));
  if (!call->rule->key.empty()) call->object = KeyOf(*call->rule, request);
  if (call->rule->writes && call->principal.role == auth::Role::kUser)
    RETURN_IF_ERROR(rate_.Take(call->principal.user));
  return CheckOwner(*call);
}

grpc::Status Frame::Enter(const grpc::ServerContextBase& context,
                          const google::protobuf::Descriptor& request,
                          CallPlaces::Hold* place) const {
  Call call;
  const absl::Status status = [&]() -> absl::Status {
    RETURN_IF_ERROR(Identify(context, request, &call));
    const bool rank = call.principal.role == auth::Role::kWorker;
    ASSIGN_OR_RETURN(*place,
                     rank ? ranks_.Take(call.principal.job) : people_.Take(call.principal.user));
    return absl::OkStatus();
  }();
  return status.ok() ? grpc::Status::OK : Conclude(call, status);
}

absl::Status Frame::CheckOwner(const Call& call) const {
  const auth::Rule& rule = *call.rule;
  if (rule.key.empty() || auth::ReachOf(rule, call.principal.role) == auth::Reach::kAny)
    return absl::OkStatus();
  const Owners::Lookup* lookup = nullptr;
  switch (rule.object) {
    case auth::Object::kJob:
      lookup = &owners_.job;
      break;
    case auth::Object::kUpload:
      lookup = &owners_.upload;
      break;
    case auth::Object::kDataset:
      lookup = &owners_.dataset;
      break;
    case auth::Object::kModel:
      lookup = &owners_.model;
      break;
    default:
      break;
  }
  if (lookup == nullptr || !*lookup)
    return absl::PermissionDeniedError("this object's owner cannot be told");
  const absl::StatusOr<std::string> owner = (*lookup)(call.object);
  // The caller may have removed it, and now asks again for the answer. Whoever changes what is
  // shared looks for its owner once more inside of the transaction.
  const bool shared = rule.object == auth::Object::kDataset || rule.object == auth::Object::kModel;
  if (shared && rule.writes && absl::IsNotFound(owner.status())) return absl::OkStatus();
  RETURN_IF_ERROR(owner.status());
  return auth::CheckObject(rule, call.principal, *owner,
                           absl::StrCat(WordOf(rule.object), " ", call.object));
}

grpc::Status Frame::Run(
    grpc::ServerContext& context, const google::protobuf::Message& request, int64_t allowed_micros,
    absl::FunctionRef<absl::Status(const Call&, CallWatch::Guard&)> body) const {
  Call call;
  const absl::Status admitted = Admit(context, request, &call);
  if (!admitted.ok()) return Conclude(call, admitted);
  CallWatch::Guard guard(watch_, allowed_micros, [&context] { context.TryCancel(); });
  absl::Status status = body(call, guard);
  if (!status.ok() && guard.LeftMicros() <= 0)
    status = absl::DeadlineExceededError("the server's time for this call is up");
  return Conclude(call, status);
}

grpc::Status Frame::Conclude(const Call& call, const absl::Status& status) const {
  const std::string method = call.rule == nullptr ? "" : std::string(call.rule->method);
  const double ms = static_cast<double>(clock_.MonotonicMicros() - call.started_micros) / 1000;
  const base::LogLevel level =
      IsFault(status.code()) ? base::LogLevel::kError : base::LogLevel::kInfo;
  base::Log(level, "call",
            {{"method", method},
             {"object", call.object.substr(0, kLoggedBytes)},
             {"user", call.principal.user},
             {"role", auth::RoleName(call.principal.role)},
             {"peer", call.peer},
             {"code", absl::StatusCodeToString(status.code())},
             {"detail", std::string(status.message().substr(0, kLoggedBytes))},
             {"ms", ms}});
  return support::ToGrpc(status);
}

}  // namespace gradus::api
