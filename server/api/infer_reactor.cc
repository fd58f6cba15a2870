// SPDX-License-Identifier: Apache-2.0
#include "server/api/infer_reactor.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::api {
namespace {

// The first request for a model waits until it is loaded.
constexpr int64_t kInferMicros = 60'000'000;

}  // namespace

InferReactor::InferReactor(const InferenceParts& parts, Servables& servables,
                           grpc::CallbackServerContext& context,
                           const inference::ModelInferRequest& request,
                           inference::ModelInferResponse* response)
    : parts_(parts),
      servables_(servables),
      context_(context),
      request_(request),
      response_(response),
      guard_(std::make_unique<CallWatch::Guard>(*parts.watch, kInferMicros,
                                                [&context] { context.TryCancel(); })) {
  parts_.work->Post([this] {
    const absl::Status begun = Begin();
    if (!begun.ok()) End(begun);
  });
}

absl::Status InferReactor::Begin() {
  RETURN_IF_ERROR(parts_.frame->Admit(context_, request_, &call_));
  // It may have waited for this thread longer than its client did.
  if (context_.IsCancelled()) return absl::CancelledError("the client has gone away");
  ASSIGN_OR_RETURN(const std::string ref,
                   InferenceRef(request_.model_name(), request_.model_version()));
  ASSIGN_OR_RETURN(servable_, servables_.Find(ref));
  ASSIGN_OR_RETURN(rows_, ReadInferRequest(request_, servable_->signature));
  parts_.pool->Predict(servable_->loadable, rows_.rows, std::move(rows_.inputs),
                       [this](absl::StatusOr<std::string> outputs) {
                         parts_.work->Post([this, outputs = std::move(outputs)]() mutable {
                           Answer(std::move(outputs));
                         });
                       });
  return absl::OkStatus();
}

void InferReactor::Answer(absl::StatusOr<std::string> outputs) {
  if (!outputs.ok()) return End(outputs.status());
  response_->set_model_name(servable_->name);
  response_->set_model_version(servable_->version);
  response_->set_id(request_.id());
  End(FillInferResponse(request_, rows_, servable_->signature, *outputs, response_));
}

void InferReactor::End(const absl::Status& status) {
  const bool late = guard_->LeftMicros() <= 0;
  guard_.reset();
  Finish(parts_.frame->Conclude(
      call_, late && !status.ok()
                 ? absl::DeadlineExceededError("the server's time for this call is up")
                 : status));
}

absl::StatusOr<std::string> InferenceRef(const std::string& name, const std::string& version) {
  if (version.empty()) return name;
  if (name.find('@') == std::string::npos) return absl::StrCat(name, "@", version);
  return base::FieldError(absl::StatusCode::kInvalidArgument, "model_version",
                          absl::StrCat("\"", base::Shown(version), "\": the name \"",
                                       base::Shown(name), "\" says a version, too"));
}

}  // namespace gradus::api
