// SPDX-License-Identifier: Apache-2.0
// The rows of models, and what a finished job becomes.
#include "server/registry/models.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/registry/model_ref.h"
#include "server/registry/once.h"
#include "server/registry/page.h"
#include "server/registry/weights.h"
#include "server/store/codec.h"

namespace gradus::registry {
namespace {

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

// What of a job tells how its model was made; the rest is the job's alone.
v1::JobSpec RecipeOf(const v1::JobSpec& spec) {
  v1::JobSpec recipe = spec;
  recipe.clear_name();
  recipe.clear_model();
  recipe.clear_publish();
  recipe.clear_resources();
  recipe.clear_time_limit();
  recipe.clear_priority();
  return recipe;
}

v1::Model Describe(const v1::Job& job, const v1::RankFinished& finished) {
  v1::Model model;
  model.set_name(job.spec().publish().model());
  model.set_job(job.id());
  AddParents(job.spec(), DefinitionOf(job, finished), model);
  AddDatasets(job.spec().data(), model);
  *model.mutable_metrics() = job.metrics();
  model.set_owner(job.owner());
  model.set_weights_sha256(finished.weights_sha256());
  *model.mutable_spec() = DefinitionOf(job, finished);
  *model.mutable_weights() = finished.weights();
  *model.mutable_recipe() = RecipeOf(job.spec());
  return model;
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
  return Add(tx, Describe(job, finished));
}

absl::Status Models::CheckDefinition(const v1::ModelSpec& spec) const {
  return base::InField(summarize_(spec).status(), "model");
}

absl::StatusOr<std::string> Models::Add(store::Tx& tx, v1::Model model) {
  // Where the weights came from is the parents' to tell.
  for (v1::Layer& layer : *model.mutable_spec()->mutable_layers()) layer.clear_from();
  model.mutable_spec()->clear_allow_mismatch();
  ASSIGN_OR_RETURN(const v1::ModelSummary summary, summarize_(model.spec()));
  *model.mutable_layers() = summary.layers();
  model.set_total_params(summary.total_params());
  model.set_trainable_params(summary.trainable_params());
  model.set_non_trainable_params(summary.non_trainable_params());
  model.set_digest(model.weights().sha256());
  SetMicros(clock_->NowMicros(), model.mutable_created_at());
  ASSIGN_OR_RETURN(const int64_t version, NextVersion(tx, model.name()));
  model.set_version(version);
  const std::string ref = VersionRef(model.name(), version);
  RETURN_IF_ERROR(AddWeightsRef(tx, *blobs_, model.weights(), kModelRef, ref));
  RETURN_IF_ERROR(
      tx.Execute("INSERT INTO models (name, version, digest, owner, record) VALUES (:name, "
                 ":version, :digest, :owner, :record)",
                 model.name(), version, model.digest(), model.owner(), store::Encode(model)));
  return ref;
}

absl::StatusOr<v1::Model> Models::Get(const std::string& ref) const {
  v1::Model model;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(model, FindVersion(tx, ref));
    return FillLabels(tx, model);
  }));
  return model;
}

absl::StatusOr<std::string> Models::Pin(const std::string& ref) const {
  std::string pinned;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(pinned, PinVersion(tx, ref));
    return absl::OkStatus();
  }));
  return pinned;
}

absl::StatusOr<std::string> Models::OwnerOf(const std::string& ref) const {
  ASSIGN_OR_RETURN(const v1::Model model, Get(ref));
  return model.owner();
}

absl::Status Models::Remove(const Editor& editor, const v1::RemoveModelRequest& request) {
  const auto removed = Once<v1::RemoveModelResponse>(
      *store_, *clock_, editor.user, request,
      [&](store::Tx& tx) -> absl::StatusOr<v1::RemoveModelResponse> {
        ASSIGN_OR_RETURN(v1::Model model, FindToEdit(tx, request.ref(), editor));
        RETURN_IF_ERROR(FillLabels(tx, model));
        if (!model.aliases().empty()) {
          return absl::FailedPreconditionError(
              absl::StrCat(VersionRef(model.name(), model.version()), " is what ",
                           absl::StrJoin(model.aliases(), ", ",
                                         [&](std::string* out, const std::string& alias) {
                                           absl::StrAppend(out, model.name(), "@", alias);
                                         }),
                           model.aliases_size() == 1 ? " means: move or remove the alias first"
                                                     : " mean: move or remove the aliases first"));
        }
        RETURN_IF_ERROR(DeleteVersion(tx, model.name(), model.version()));
        return v1::RemoveModelResponse();
      });
  return removed.status();
}

}  // namespace gradus::registry
