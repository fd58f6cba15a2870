// SPDX-License-Identifier: Apache-2.0
// The datasets that the server keeps: immutable rows that name blobs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/dataset_service.pb.h"
#include "server/registry/editor.h"
#include "server/store/store.h"

namespace gradus::registry {

// Looks, lists, adds, removes.
//   Owns     the table datasets and the blob references of kind "dataset". Store and clock must
//            outlive it.
//   Threads  any.
//   Errors   NOT_FOUND names the dataset.
class Datasets {
 public:
  // Whether an unfinished job uses a dataset; asked inside the transaction that would remove it.
  using InUse = std::function<absl::StatusOr<bool>(store::ReadTx&, const std::string& dataset)>;

  Datasets(store::Store* store, base::Clock* clock, InUse in_use);

  absl::StatusOr<v1::Dataset> Get(const std::string& name) const;
  // The same inside a transaction, so that a job is stored with datasets that are there.
  static absl::StatusOr<v1::Dataset> Get(store::ReadTx& tx, const std::string& name);
  // ABORTED or NOT_FOUND when one of these is no longer what it was; inside the transaction that
  // stores a job.
  static absl::Status Unchanged(store::ReadTx& tx, const std::vector<v1::Dataset>& datasets);
  // ALREADY_EXISTS when the name is taken.
  static absl::Status CheckFree(store::ReadTx& tx, const std::string& name);
  absl::StatusOr<std::string> OwnerOf(const std::string& name) const;
  // By name; a page also ends where it would grow past 512 KiB. INVALID_ARGUMENT for a page size or
  // token that is none.
  absl::StatusOr<v1::ListDatasetsResponse> List(const v1::ListDatasetsRequest& request) const;

  // Adds a row whose blobs are stored already, with references to them. `dataset` has all but
  // digest, size and created_at, which are set here. ALREADY_EXISTS when the name is taken.
  absl::StatusOr<v1::Dataset> Add(store::Tx& tx, v1::Dataset dataset);

  // FAILED_PRECONDITION while an unfinished job uses it, PERMISSION_DENIED where it is another
  // user's. A retry with the same request_id is OK again.
  absl::Status Remove(const Editor& editor, const v1::RemoveDatasetRequest& request);

 private:
  store::Store* const store_;
  base::Clock* const clock_;
  const InUse in_use_;
};

}  // namespace gradus::registry
