// SPDX-License-Identifier: Apache-2.0
// Where a model comes from: its parents and theirs, newest first.
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/registry/model_ref.h"
#include "server/registry/models.h"
#include "server/registry/page.h"

namespace gradus::registry {
namespace {

constexpr int kMostEntries = 1000;

v1::ModelLogEntry EntryOf(v1::Model model) {
  v1::ModelLogEntry entry;
  entry.set_ref(VersionRef(model.name(), model.version()));
  entry.set_job(model.job());
  entry.set_owner(model.owner());
  *entry.mutable_datasets() = std::move(*model.mutable_datasets());
  *entry.mutable_metrics() = std::move(*model.mutable_metrics());
  *entry.mutable_created_at() = model.created_at();
  *entry.mutable_parents() = std::move(*model.mutable_parents());
  *entry.mutable_aliases() = std::move(*model.mutable_aliases());
  return entry;
}

// The entries that are still to come, newest first; those of one moment by their order of arrival.
// A parent is older than what was made from it, and so comes behind it.
class Pending {
 public:
  bool empty() const { return queue_.empty(); }

  // Adds the version that `ref` names, unless it was added before. One that is gone counts as old
  // as `child` says.
  absl::Status Add(store::ReadTx& tx, const std::string& ref,
                   const google::protobuf::Timestamp& child) {
    if (!seen_.insert(ref).second) return absl::OkStatus();
    absl::StatusOr<v1::Model> model = FindVersion(tx, ref);
    if (model.ok()) RETURN_IF_ERROR(FillLabels(tx, *model));
    v1::ModelLogEntry entry;
    if (absl::IsNotFound(model.status())) {
      entry.set_ref(ref);
      entry.set_gone(true);
    } else {
      RETURN_IF_ERROR(model.status());
      entry = EntryOf(*std::move(model));
      seen_.insert(entry.ref());
    }
    const google::protobuf::Timestamp& time = entry.gone() ? child : entry.created_at();
    queue_.push({{time.seconds(), time.nanos(), -number_++}, std::move(entry)});
    return absl::OkStatus();
  }

  v1::ModelLogEntry Take() {
    v1::ModelLogEntry entry = queue_.top().entry;
    queue_.pop();
    return entry;
  }

 private:
  struct Item {
    std::tuple<int64_t, int32_t, int64_t> when;
    v1::ModelLogEntry entry;
    bool operator<(const Item& other) const { return when < other.when; }
  };

  std::priority_queue<Item> queue_;
  std::set<std::string> seen_;
  int64_t number_ = 0;
};

}  // namespace

absl::StatusOr<v1::LogModelResponse> Models::Log(const v1::LogModelRequest& request) const {
  if (request.limit() < 0 || request.limit() > kMostEntries) {
    return base::InvalidArgument("limit", absl::StrCat(request.limit()),
                                 absl::StrCat("1 to ", kMostEntries));
  }
  PageBudget budget(request.limit() == 0 ? kMostEntries : request.limit());
  v1::LogModelResponse response;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    Pending pending;
    // The first one must be there.
    RETURN_IF_ERROR(FindVersion(tx, request.ref()).status());
    RETURN_IF_ERROR(pending.Add(tx, request.ref(), {}));
    while (!pending.empty()) {
      v1::ModelLogEntry entry = pending.Take();
      if (!budget.Take(entry.ByteSizeLong())) {
        response.set_truncated(true);
        break;
      }
      for (const std::string& parent : entry.parents())
        RETURN_IF_ERROR(pending.Add(tx, parent, entry.created_at()));
      *response.add_entries() = std::move(entry);
    }
    return absl::OkStatus();
  }));
  return response;
}

}  // namespace gradus::registry
