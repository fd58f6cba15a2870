// SPDX-License-Identifier: Apache-2.0
// The rows of datasets.
#include "server/registry/datasets.h"

#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/registry/page.h"
#include "server/store/blobs.h"
#include "server/store/codec.h"
#include "server/store/request_keys.h"

namespace gradus::registry {
namespace {

constexpr char kRefKind[] = "dataset";

absl::Status NoSuchDataset(const std::string& name) {
  return absl::NotFoundError(
      absl::StrCat("\"", base::Shown(name), "\" is not a dataset on this server"));
}

// What says that two datasets are the same data.
std::string DigestOf(const v1::Dataset& dataset) {
  v1::Dataset content;
  *content.mutable_splits() = dataset.splits();
  return store::Fingerprint(content);
}

int64_t SizeOf(const v1::Dataset& dataset) {
  int64_t size = 0;
  for (const v1::Split& split : dataset.splits()) {
    for (const v1::Column& column : split.columns()) size += column.blob().size();
  }
  return size;
}

}  // namespace

Datasets::Datasets(store::Store* store, base::Clock* clock, InUse in_use)
    : store_(store), clock_(clock), in_use_(std::move(in_use)) {}

absl::StatusOr<v1::Dataset> Datasets::Get(store::ReadTx& tx, const std::string& name) {
  ASSIGN_OR_RETURN(const auto row, tx.QueryOne<std::string>(
                                       "SELECT record FROM datasets WHERE name = :name", name));
  if (!row.has_value()) return NoSuchDataset(name);
  return store::Decode<v1::Dataset>(std::get<0>(*row));
}

absl::StatusOr<v1::Dataset> Datasets::Get(const std::string& name) const {
  absl::StatusOr<v1::Dataset> dataset;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) {
    dataset = Get(tx, name);
    return dataset.status();
  }));
  return dataset;
}

absl::Status Datasets::Unchanged(store::ReadTx& tx, const std::vector<v1::Dataset>& datasets) {
  for (const v1::Dataset& dataset : datasets) {
    ASSIGN_OR_RETURN(const v1::Dataset now, Get(tx, dataset.name()));
    if (now.digest() != dataset.digest()) {
      return absl::AbortedError(
          absl::StrCat("dataset \"", dataset.name(), "\" was replaced meanwhile"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Datasets::OwnerOf(const std::string& name) const {
  std::string owner;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto row, tx.QueryOne<std::string>(
                                         "SELECT owner FROM datasets WHERE name = :name", name));
    if (!row.has_value()) return NoSuchDataset(name);
    owner = std::get<0>(*row);
    return absl::OkStatus();
  }));
  return owner;
}

absl::StatusOr<v1::ListDatasetsResponse> Datasets::List(
    const v1::ListDatasetsRequest& request) const {
  ASSIGN_OR_RETURN(const int page_size, CheckPageSize(request.page_size()));
  const std::string& after = request.page_token();
  if (!after.empty() && !base::IsName(after)) return BadPageToken(after);
  v1::ListDatasetsResponse response;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    // Names first: a thousand descriptions would not be a page's memory but hundreds of MiB.
    ASSIGN_OR_RETURN(const auto names,
                     tx.Query<std::string>(
                         "SELECT name FROM datasets WHERE name > :after ORDER BY name LIMIT :count",
                         after, page_size + 1));
    PageBudget budget(page_size);
    for (const auto& [name] : names) {
      ASSIGN_OR_RETURN(v1::Dataset dataset, Get(tx, name));
      if (!budget.Take(dataset.ByteSizeLong())) {
        response.set_next_page_token(response.datasets(response.datasets_size() - 1).name());
        break;
      }
      *response.add_datasets() = std::move(dataset);
    }
    return absl::OkStatus();
  }));
  return response;
}

absl::Status Datasets::CheckFree(store::ReadTx& tx, const std::string& name) {
  ASSIGN_OR_RETURN(const auto row,
                   tx.QueryOne<std::string>("SELECT name FROM datasets WHERE name = :name", name));
  if (!row.has_value()) return absl::OkStatus();
  return base::FieldError(absl::StatusCode::kAlreadyExists, "dataset",
                          absl::StrCat("there is a dataset \"", name, "\" already"));
}

absl::StatusOr<v1::Dataset> Datasets::Add(store::Tx& tx, v1::Dataset dataset) {
  RETURN_IF_ERROR(CheckFree(tx, dataset.name()));
  const int64_t now = clock_->NowMicros();
  dataset.set_digest(DigestOf(dataset));
  dataset.set_size(SizeOf(dataset));
  SetMicros(now, dataset.mutable_created_at());
  for (const v1::Split& split : dataset.splits()) {
    for (const v1::Column& column : split.columns()) {
      RETURN_IF_ERROR(store::BlobStore::AddRef(tx, column.blob(), kRefKind, dataset.name()));
    }
  }
  RETURN_IF_ERROR(tx.Execute(
      "INSERT INTO datasets (name, owner, created_at, record) VALUES (:name, :owner, :at, :record)",
      dataset.name(), dataset.owner(), now, store::Encode(dataset)));
  return dataset;
}

absl::Status Datasets::Remove(const Editor& editor, const v1::RemoveDatasetRequest& request) {
  RETURN_IF_ERROR(store::CheckRequestId(request.request_id()));
  v1::RemoveDatasetRequest content = request;
  content.clear_request_id();
  const store::RequestKey key{editor.user, "RemoveDataset", request.request_id(),
                              store::Fingerprint(content)};
  return store_->Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto answer, store::FindAnswer(tx, key, clock_->NowMicros()));
    if (answer.has_value()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const v1::Dataset dataset, Get(tx, request.name()));
    if (!editor.MayEdit(dataset.owner())) {
      return absl::PermissionDeniedError(
          absl::StrCat("dataset ", request.name(), " belongs to another user"));
    }
    ASSIGN_OR_RETURN(const bool in_use, in_use_(tx, request.name()));
    if (in_use) {
      return absl::FailedPreconditionError(
          absl::StrCat("dataset \"", request.name(), "\" is used by a job that is not finished"));
    }
    RETURN_IF_ERROR(store::BlobStore::DropRefs(tx, kRefKind, request.name()));
    RETURN_IF_ERROR(tx.Execute("DELETE FROM datasets WHERE name = :name", request.name()));
    return store::RememberAnswer(tx, key, "", clock_->NowMicros());
  });
}

}  // namespace gradus::registry
