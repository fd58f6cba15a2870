// SPDX-License-Identifier: Apache-2.0
// The rows of models, and what a finished job becomes.
#include "server/registry/models.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/registry/model_ref.h"
#include "server/registry/page.h"
#include "server/registry/weights.h"
#include "server/store/codec.h"
#include "server/store/request_keys.h"

namespace gradus::registry {
namespace {

constexpr char kRefKind[] = "model";

absl::StatusOr<int64_t> NextVersion(store::Tx& tx, const std::string& name) {
  RETURN_IF_ERROR(
      tx.Execute("INSERT INTO model_names (name, last_version) VALUES (:name, 1)"
                 " ON CONFLICT (name) DO UPDATE SET last_version = model_names.last_version + 1",
                 name));
  ASSIGN_OR_RETURN(
      const auto row,
      tx.QueryOne<int64_t>("SELECT last_version FROM model_names WHERE name = :name", name));
  if (!row.has_value()) return absl::InternalError("a model's name was not kept");
  return std::get<0>(*row);
}

void AddDatasets(const v1::DataSpec& data, v1::Model& model) {
  for (const std::string& name :
       {data.train().dataset(), data.validation().dataset(), data.test().dataset()}) {
    const auto& known = model.datasets();
    if (!name.empty() && std::find(known.begin(), known.end(), name) == known.end())
      model.add_datasets(name);
  }
}

// Of some networks only the rank knows what they are.
bool RankDefines(const v1::JobSpec& spec) {
  return spec.kind() == v1::JobSpec::FOLD || spec.kind() == v1::JobSpec::TRANSFER_SEARCH;
}

void AddParents(const v1::JobSpec& spec, const v1::ModelSpec& definition, v1::Model& model) {
  if (spec.kind() == v1::JobSpec::FOLD) model.add_parents(spec.fold().model());
  for (const v1::Layer& layer : definition.layers()) {
    const std::string ref = layer.from().substr(0, layer.from().rfind('/'));
    const auto& known = model.parents();
    if (!ref.empty() && std::find(known.begin(), known.end(), ref) == known.end())
      model.add_parents(ref);
  }
}

const v1::ModelSpec& DefinitionOf(const v1::Job& job, const v1::RankFinished& finished) {
  return RankDefines(job.spec()) ? finished.model() : job.spec().model();
}

v1::Model Describe(const v1::Job& job, const v1::RankFinished& finished,
                   const v1::ModelSummary& summary, int64_t now) {
  v1::Model model;
  model.set_name(job.spec().publish().model());
  model.set_digest(finished.weights().sha256());
  model.set_job(job.id());
  AddParents(job.spec(), DefinitionOf(job, finished), model);
  AddDatasets(job.spec().data(), model);
  *model.mutable_layers() = summary.layers();
  model.set_total_params(summary.total_params());
  model.set_trainable_params(summary.trainable_params());
  model.set_non_trainable_params(summary.non_trainable_params());
  *model.mutable_metrics() = job.metrics();
  SetMicros(now, model.mutable_created_at());
  model.set_owner(job.owner());
  model.set_weights_sha256(finished.weights_sha256());
  *model.mutable_spec() = DefinitionOf(job, finished);
  // Where the weights came from is the parents' to tell.
  for (v1::Layer& layer : *model.mutable_spec()->mutable_layers()) layer.clear_from();
  model.mutable_spec()->clear_allow_mismatch();
  *model.mutable_weights() = finished.weights();
  return model;
}

absl::Status NoSuchModel(const std::string& text) {
  return absl::NotFoundError(absl::StrCat("there is no model \"", base::Shown(text), "\""));
}

// The versions that a reference means, newest first, at most two.
absl::StatusOr<std::vector<v1::Model>> Find(store::ReadTx& tx, const std::string& text) {
  ASSIGN_OR_RETURN(const ModelRef ref, ParseModelRef(text));
  const std::string which = ref.version != 0      ? " AND version = :version"
                            : !ref.digest.empty() ? " AND digest = :digest"
                                                  : "";
  const std::string sql = absl::StrCat("SELECT record FROM models WHERE name = :name", which,
                                       " ORDER BY version DESC LIMIT 2");
  absl::StatusOr<std::vector<std::tuple<std::string>>> rows;
  if (ref.newest()) {
    rows = tx.Query<std::string>(sql, ref.name);
  } else if (ref.version != 0) {
    rows = tx.Query<std::string>(sql, ref.name, ref.version);
  } else {
    rows = tx.Query<std::string>(sql, ref.name, ref.digest);
  }
  RETURN_IF_ERROR(rows.status());
  if (rows->empty()) return NoSuchModel(text);
  std::vector<v1::Model> models;
  for (const auto& [record] : *rows) {
    ASSIGN_OR_RETURN(v1::Model model, store::Decode<v1::Model>(record));
    models.push_back(std::move(model));
  }
  return models;
}

// Where a page of a list goes on: behind this version of this name.
absl::StatusOr<ModelRef> ParsePageToken(const std::string& token) {
  if (token.empty()) return ModelRef{};
  const absl::StatusOr<ModelRef> ref = ParseModelRef(token);
  if (!ref.ok() || ref->version == 0) return BadPageToken(token);
  return ref;
}

// The one version to be removed.
absl::StatusOr<v1::Model> FindOne(store::ReadTx& tx, const std::string& text) {
  ASSIGN_OR_RETURN(const ModelRef ref, ParseModelRef(text));
  if (ref.newest())
    return base::InvalidArgument("ref", absl::StrCat("\"", text, "\""),
                                 "one version: name@VERSION or name@sha256:DIGEST");
  ASSIGN_OR_RETURN(std::vector<v1::Model> models, Find(tx, text));
  if (models.size() > 1) {
    return base::InvalidArgument(
        "ref", absl::StrCat("\"", text, "\""),
        absl::StrCat("one version: there are ", VersionRef(ref.name, models[0].version()), ", ",
                     VersionRef(ref.name, models[1].version()), " and maybe more"));
  }
  return std::move(models.front());
}

}  // namespace

Models::Models(store::Store* store, store::BlobStore* blobs, base::Clock* clock,
               Summarize summarize)
    : store_(store), blobs_(blobs), clock_(clock), summarize_(std::move(summarize)) {}

absl::StatusOr<std::string> Models::Publish(store::Tx& tx, const v1::Job& job,
                                            const v1::RankFinished& finished) {
  RETURN_IF_ERROR(base::CheckName("publish.model", job.spec().publish().model()));
  if (RankDefines(job.spec()) && !finished.has_model()) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, "finished.model",
                            "the network's definition is required");
  }
  ASSIGN_OR_RETURN(const v1::ModelSummary summary, summarize_(DefinitionOf(job, finished)));
  v1::Model model = Describe(job, finished, summary, clock_->NowMicros());
  ASSIGN_OR_RETURN(const int64_t version, NextVersion(tx, model.name()));
  model.set_version(version);
  const std::string ref = VersionRef(model.name(), version);
  RETURN_IF_ERROR(AddWeightsRef(tx, *blobs_, model.weights(), kRefKind, ref));
  RETURN_IF_ERROR(
      tx.Execute("INSERT INTO models (name, version, digest, owner, record) VALUES (:name, "
                 ":version, :digest, :owner, :record)",
                 model.name(), version, model.digest(), model.owner(), store::Encode(model)));
  return ref;
}

absl::StatusOr<v1::Model> Models::Get(const std::string& ref) const {
  v1::Model model;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(std::vector<v1::Model> models, Find(tx, ref));
    model = std::move(models.front());
    return absl::OkStatus();
  }));
  return model;
}

absl::StatusOr<std::string> Models::OwnerOf(const std::string& ref) const {
  ASSIGN_OR_RETURN(const v1::Model model, Get(ref));
  return model.owner();
}

absl::StatusOr<v1::ListModelsResponse> Models::List(const v1::ListModelsRequest& request) const {
  ASSIGN_OR_RETURN(const int page_size, CheckPageSize(request.page_size()));
  ASSIGN_OR_RETURN(const ModelRef after, ParsePageToken(request.page_token()));
  if (!request.name().empty()) RETURN_IF_ERROR(base::CheckName("name", request.name()));
  v1::ListModelsResponse response;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    // Keys first: a thousand definitions would not be a page's memory but hundreds of MiB.
    ASSIGN_OR_RETURN(
        const auto keys,
        (tx.Query<std::string, int64_t>(
            "SELECT name, version FROM models WHERE (name > :after OR (name = :same AND version < "
            ":version))"
            " AND (name = :name OR :every = 1) ORDER BY name, version DESC LIMIT :count",
            after.name, after.name, after.version, request.name(), request.name().empty() ? 1 : 0,
            page_size + 1)));
    PageBudget budget(page_size);
    for (const auto& [name, version] : keys) {
      ASSIGN_OR_RETURN(std::vector<v1::Model> found, Find(tx, VersionRef(name, version)));
      v1::Model& model = found.front();
      model.clear_spec();
      model.clear_weights();
      if (!budget.Take(model.ByteSizeLong())) {
        const v1::Model& last = response.models(response.models_size() - 1);
        response.set_next_page_token(VersionRef(last.name(), last.version()));
        break;
      }
      *response.add_models() = std::move(model);
    }
    return absl::OkStatus();
  }));
  return response;
}

absl::Status Models::Remove(const std::string& user, const v1::RemoveModelRequest& request) {
  RETURN_IF_ERROR(store::CheckRequestId(request.request_id()));
  v1::RemoveModelRequest content = request;
  content.clear_request_id();
  const store::RequestKey key{user, "RemoveModel", request.request_id(),
                              store::Fingerprint(content)};
  return store_->Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto answer, store::FindAnswer(tx, key, clock_->NowMicros()));
    if (answer.has_value()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const v1::Model model, FindOne(tx, request.ref()));
    RETURN_IF_ERROR(
        store::BlobStore::DropRefs(tx, kRefKind, VersionRef(model.name(), model.version())));
    RETURN_IF_ERROR(tx.Execute("DELETE FROM models WHERE name = :name AND version = :version",
                               model.name(), model.version()));
    return store::RememberAnswer(tx, key, "", clock_->NowMicros());
  });
}

}  // namespace gradus::registry
