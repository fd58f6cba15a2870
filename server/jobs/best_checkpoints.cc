// SPDX-License-Identifier: Apache-2.0
// The list is part of the job's record; each entry's blob is held by a reference of its own.
#include "server/jobs/best_checkpoints.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/registry/weights.h"
#include "server/store/blobs.h"
#include "server/store/codec.h"
#include "server/store/request_keys.h"

namespace gradus::jobs {
namespace {

// store/verify.cc looks for these.
constexpr char kKind[] = "best";

std::string OwnerOf(const std::string& job, int64_t step) { return absl::StrCat(job, "/", step); }

absl::StatusOr<v1::BestCheckpoint> Choose(const v1::Job& job, int64_t step) {
  for (const v1::BestCheckpoint& kept : job.best_checkpoints()) {
    if (step == 0 || kept.step() == step) return kept;
  }
  if (job.best_checkpoints().empty())
    return absl::NotFoundError(absl::StrCat("job ", job.id(), " keeps no best checkpoints"));
  const std::string steps = absl::StrJoin(
      job.best_checkpoints(), ", ",
      [](std::string* out, const v1::BestCheckpoint& kept) { absl::StrAppend(out, kept.step()); });
  return absl::NotFoundError(absl::StrCat("job ", job.id(), " keeps no checkpoint of step ", step,
                                          "; those that it keeps are of ", steps));
}

absl::StatusOr<std::string> Publish(store::Tx& tx, const Context& context,
                                    const v1::PublishCheckpointRequest& request) {
  ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, request.id()));
  ASSIGN_OR_RETURN(*row.job.mutable_spec(), LoadSpec(tx, request.id()));
  ASSIGN_OR_RETURN(const v1::BestCheckpoint chosen, Choose(row.job, request.step()));
  v1::Publish& publish = *row.job.mutable_spec()->mutable_publish();
  if (!request.model().empty()) publish.set_model(request.model());
  if (publish.model().empty())
    return base::InvalidArgument("model", "nothing", "a model's name: the job publishes none");
  RETURN_IF_ERROR(base::CheckName("model", publish.model()));
  *row.job.mutable_metrics() = chosen.metrics();
  v1::RankFinished finished;
  *finished.mutable_weights() = chosen.weights();
  finished.set_weights_sha256(chosen.weights_sha256());
  return context.parts.publish(tx, row.job, finished);
}

}  // namespace

absl::Status KeepBestCheckpoint(store::Tx& tx, store::BlobStore& blobs, JobRow& row,
                                const v1::BestCheckpointReady& ready, int keep_best) {
  auto& list = *row.job.mutable_best_checkpoints();
  const google::protobuf::RepeatedPtrField<v1::BestCheckpoint> before = std::exchange(list, {});
  for (const int64_t step : ready.kept_steps()) {
    if (list.size() == keep_best) break;
    if (std::ranges::find(list, step, &v1::BestCheckpoint::step) != list.end()) continue;
    const auto kept = std::ranges::find(before, step, &v1::BestCheckpoint::step);
    if (step == ready.checkpoint().step()) {
      *list.Add() = ready.checkpoint();
    } else if (kept != before.end()) {
      *list.Add() = *kept;
    }
  }
  // A run that goes on from an earlier state tells of the same steps again.
  for (const v1::BestCheckpoint& known : before)
    RETURN_IF_ERROR(store::BlobStore::DropRefs(tx, kKind, OwnerOf(row.job.id(), known.step())));
  for (const v1::BestCheckpoint& kept : list) {
    RETURN_IF_ERROR(registry::AddWeightsRef(tx, blobs, kept.weights(), kKind,
                                            OwnerOf(row.job.id(), kept.step())));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::PublishCheckpointResponse> PublishCheckpoint(
    const Context& context, const std::string& user, const v1::PublishCheckpointRequest& request) {
  RETURN_IF_ERROR(store::CheckRequestId(request.request_id()));
  v1::PublishCheckpointRequest content = request;
  content.clear_request_id();
  const store::RequestKey key{user, "PublishCheckpoint", request.request_id(),
                              store::Fingerprint(content)};
  v1::PublishCheckpointResponse response;
  RETURN_IF_ERROR(context.parts.store->Write([&](store::Tx& tx) -> absl::Status {
    const int64_t now = context.parts.clock->NowMicros();
    ASSIGN_OR_RETURN(const auto answer, store::FindAnswer(tx, key, now));
    if (answer.has_value()) {
      response.set_model(*answer);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::string reference, Publish(tx, context, request));
    response.set_model(reference);
    return store::RememberAnswer(tx, key, reference, now);
  }));
  return response;
}

}  // namespace gradus::jobs
