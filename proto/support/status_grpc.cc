// SPDX-License-Identifier: Apache-2.0
// Payloads as google.rpc details.
#include "proto/support/status_grpc.h"

#include <google/protobuf/util/time_util.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proto/support/status.h"
#include "proto/support/utf8.h"

namespace gradus::support {
namespace {

constexpr char kTypePrefix[] = "type.googleapis.com/";
constexpr char kDomain[] = "gradus";
// Status and details travel in the trailing metadata, of which gRPC takes 8 KiB in all, the message
// three times.
constexpr size_t kLongestMessage = 1500;

// `text`, cut before a character that would not fit whole.
std::string Cut(absl::string_view text) {
  if (text.size() <= kLongestMessage) return std::string(text);
  return absl::StrCat(CutUtf8(text, kLongestMessage), "...");
}

void AddField(const absl::Status& status, google::rpc::Status& details) {
  const std::optional<std::string> field = FieldOf(status);
  if (!field.has_value()) return;
  google::rpc::BadRequest request;
  auto& violation = *request.add_field_violations();
  violation.set_field(Cut(*field));
  violation.set_description(Cut(absl::StripPrefix(status.message(), absl::StrCat(*field, ": "))));
  details.add_details()->PackFrom(request);
}

void AddReason(const absl::Status& status, google::rpc::Status& details) {
  const std::optional<std::string> reason = ReasonOf(status);
  if (!reason.has_value()) return;
  google::rpc::ErrorInfo info;
  info.set_reason(*reason);
  info.set_domain(kDomain);
  details.add_details()->PackFrom(info);
}

void AddRetryDelay(const absl::Status& status, google::rpc::Status& details) {
  const std::optional<absl::Duration> delay = RetryDelayOf(status);
  if (!delay.has_value()) return;
  google::rpc::RetryInfo retry;
  *retry.mutable_retry_delay() =
      google::protobuf::util::TimeUtil::MillisecondsToDuration(absl::ToInt64Milliseconds(*delay));
  details.add_details()->PackFrom(retry);
}

void TakeDetail(const google::protobuf::Any& any, absl::Status& status) {
  google::rpc::BadRequest request;
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  if (any.UnpackTo(&request) && request.field_violations_size() == 1) {
    status.SetPayload(kFieldPayloadUrl, absl::Cord(request.field_violations(0).field()));
  } else if (any.UnpackTo(&info) && info.domain() == kDomain && info.metadata().empty()) {
    status.SetPayload(kReasonPayloadUrl, absl::Cord(info.reason()));
  } else if (any.UnpackTo(&retry)) {
    const int64_t delay =
        google::protobuf::util::TimeUtil::DurationToMilliseconds(retry.retry_delay());
    status = WithRetryDelay(std::move(status), absl::Milliseconds(delay));
  } else if (absl::StartsWith(any.type_url(), kTypePrefix)) {
    status.SetPayload(any.type_url(), absl::Cord(any.value()));
  }
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(Cut(status.message()));
  AddField(status, details);
  AddReason(status, details);
  AddRetryDelay(status, details);
  status.ForEachPayload([&details](absl::string_view url, const absl::Cord& payload) {
    if (!absl::StartsWith(url, kTypePrefix)) return;
    google::protobuf::Any& any = *details.add_details();
    any.set_type_url(std::string(url));
    any.set_value(std::string(payload));
  });
  const std::string bytes = details.details_size() == 0 ? "" : details.SerializeAsString();
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(), bytes);
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const int code = status.error_code();
  const bool known = code > 0 && code <= static_cast<int>(absl::StatusCode::kUnauthenticated);
  absl::Status result(known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown,
                      status.error_message());
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& any : details.details()) TakeDetail(any, result);
  }
  return result;
}

}  // namespace gradus::support
