// SPDX-License-Identifier: Apache-2.0
// The registry of trained models: immutable, numbered versions whose weights are blobs.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/model.pb.h"
#include "gradus/v1/model_service.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/registry/model_file.h"
#include "server/registry/model_rows.h"
#include "server/store/blobs.h"
#include "server/store/store.h"

namespace gradus::registry {

// Publishes, looks, lists, fetches, labels, compares, removes. A version number is never given
// again, not even after a removal.
//   Owns     the tables model_* and models, and the blob references of kind "model". What it is
//            given must outlive it.
//   Threads  any.
//   Errors   INVALID_ARGUMENT for a reference that is none (field "ref"), NOT_FOUND names what is
//            not there. What changes something is done once for a request_id (once.h), and
//            PERMISSION_DENIED where it is another user's.
class Models {
 public:
  // A definition in numbers, as engine/graph infers it.
  using Summarize = std::function<absl::StatusOr<v1::ModelSummary>(const v1::ModelSpec&)>;

  Models(store::Store* store, store::BlobStore* blobs, base::Clock* clock, Summarize summarize);

  // Registers a finished job's weights as the next version of spec.publish.model, inside the
  // transaction that ends the job; returns the reference
  // ("fashion-a@1"). The weights' index and pieces are stored.
  absl::StatusOr<std::string> Publish(store::Tx& tx, const v1::Job& job,
                                      const v1::RankFinished& finished);

  // Registers stored weights as the next version of model.name, inside the transaction that says
  // so; returns the reference. `model` has name, owner, weights, weights_sha256 and spec.
  absl::StatusOr<std::string> Add(store::Tx& tx, v1::Model model);
  // That it is one, inside and out. INVALID_ARGUMENT with the field's path below "model".
  absl::Status CheckDefinition(const v1::ModelSpec& spec) const;

  // `ref`: name (newest version), name@3, name@alias or name@sha256:DIGEST (the newest of those
  // weights).
  absl::StatusOr<v1::Model> Get(const std::string& ref) const;
  // "name@3" of the version that it means now.
  absl::StatusOr<std::string> Pin(const std::string& ref) const;
  absl::StatusOr<std::string> OwnerOf(const std::string& ref) const;
  // By name, newest version first, those that all of the request's filters fit; a page also ends
  // where it would grow past 512 KiB.
  absl::StatusOr<v1::ListModelsResponse> List(const v1::ListModelsRequest& request) const;
  // Numbers of a model's versions, newest first, no more than 1000.
  absl::StatusOr<std::vector<int64_t>> Versions(const std::string& name) const;

  // Picks layers by the names of all of a model's layers; indices into these.
  using SelectLayers =
      absl::FunctionRef<absl::StatusOr<std::vector<int>>(std::span<const std::string> layers)>;
  // The whole weights file. DATA_LOSS when bytes are not those of their digest.
  absl::StatusOr<ModelFile> Open(const std::string& ref) const;
  // A file of those tensors alone that belong to the selected layers.
  absl::StatusOr<ModelFile> Open(const std::string& ref, SelectLayers select) const;

  // A version and all that it was made from, see ModelService.LogModel.
  absl::StatusOr<v1::LogModelResponse> Log(const v1::LogModelRequest& request) const;
  // Compares two versions; bytes are read where pieces are not the same. DATA_LOSS as Open.
  absl::StatusOr<v1::DiffModelsResponse> Diff(const v1::DiffModelsRequest& request) const;

  // `ref` must name one version. FAILED_PRECONDITION while an alias means it.
  absl::Status Remove(const Editor& editor, const v1::RemoveModelRequest& request);
  absl::StatusOr<v1::SetAliasResponse> SetAlias(const Editor& editor,
                                                const v1::SetAliasRequest& request);
  absl::StatusOr<v1::RemoveAliasResponse> RemoveAlias(const Editor& editor,
                                                      const v1::RemoveAliasRequest& request);
  absl::StatusOr<v1::UpdateModelResponse> Update(const Editor& editor,
                                                 const v1::UpdateModelRequest& request);
  absl::StatusOr<v1::SetRetentionResponse> SetRetention(const Editor& editor,
                                                        const v1::SetRetentionRequest& request);
  // Removes the versions that retention lets go, some in each transaction; returns how many.
  absl::StatusOr<int64_t> RemoveUnretained();

 private:
  store::Store* const store_;
  store::BlobStore* const blobs_;
  base::Clock* const clock_;
  const Summarize summarize_;
};

}  // namespace gradus::registry
