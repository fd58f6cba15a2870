// SPDX-License-Identifier: Apache-2.0
// The registry of trained models: immutable, numbered versions whose weights are blobs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/mapped_file.h"
#include "engine/formats/safetensors.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/model.pb.h"
#include "gradus/v1/model_service.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/store/blobs.h"
#include "server/store/store.h"

namespace gradus::registry {

// What one fetch sends: a safetensors file, whole or of some layers, verified before its first
// byte; or another file of the model.
class ModelFile {
 public:
  // Of these bytes.
  static ModelFile Of(v1::Model model, std::string bytes);

  const v1::Model& model() const { return model_; }
  int64_t size() const { return static_cast<int64_t>(size_); }
  const std::string& sha256() const { return sha256_; }

  // The values of a tensor of a safetensors file. DATA_LOSS where it has none of that name.
  absl::StatusOr<std::vector<float>> Values(absl::string_view tensor) const;

  // Passes the bytes from `offset` on to `sink`, at most `piece` at once. OUT_OF_RANGE for an
  // offset beyond the end; the sink's errors as they are.
  absl::Status Send(int64_t offset, size_t piece,
                    absl::FunctionRef<absl::Status(std::span<const std::byte>)> sink) const;

 private:
  friend class Models;

  // A tensor's bytes in a piece.
  struct Range {
    std::string tensor;
    size_t piece = 0;  // index into pieces_
    uint64_t offset = 0;
    uint64_t size = 0;
  };

  v1::Model model_;
  std::string header_;
  std::vector<base::MappedFile> pieces_;
  std::vector<Range> ranges_;
  uint64_t size_ = 0;
  std::string sha256_;
};

// Publishes, looks, lists, fetches, removes. A version number is never given again, not even after
// a removal.
//   Owns     the tables models and model_names and the blob references of kind "model". What it is
//            given must outlive it.
//   Threads  any.
//   Errors   INVALID_ARGUMENT for a reference that is none (field "ref"), NOT_FOUND names what is
//            not there.
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

  // `ref`: name (newest version), name@3 or name@sha256:DIGEST (the newest of those weights).
  absl::StatusOr<v1::Model> Get(const std::string& ref) const;
  absl::StatusOr<std::string> OwnerOf(const std::string& ref) const;
  // By name, newest version first, without spec and weights; a page also ends where it would grow
  // past 512 KiB.
  absl::StatusOr<v1::ListModelsResponse> List(const v1::ListModelsRequest& request) const;

  // Picks layers by the names of all of a model's layers; indices into these.
  using SelectLayers =
      absl::FunctionRef<absl::StatusOr<std::vector<int>>(std::span<const std::string> layers)>;
  // The whole weights file. DATA_LOSS when bytes are not those of their digest.
  absl::StatusOr<ModelFile> Open(const std::string& ref) const;
  // A file of those tensors alone that belong to the selected layers.
  absl::StatusOr<ModelFile> Open(const std::string& ref, SelectLayers select) const;

  // `ref` must name one version. A retry with the same request_id is OK again.
  absl::Status Remove(const std::string& user, const v1::RemoveModelRequest& request);

 private:
  store::Store* const store_;
  store::BlobStore* const blobs_;
  base::Clock* const clock_;
  const Summarize summarize_;
};

}  // namespace gradus::registry
