// SPDX-License-Identifier: Apache-2.0
// How many versions of a name are kept, and the removal of the others.
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/registry/model_ref.h"
#include "server/registry/models.h"
#include "server/registry/once.h"

namespace gradus::registry {
namespace {

constexpr int kMostKept = 1'000'000;
// Versions removed in one transaction, so that nobody waits long behind it.
constexpr int64_t kBatch = 100;

// Removes some; returns how many.
absl::StatusOr<int64_t> RemoveSome(store::Tx& tx, const std::string& name) {
  ASSIGN_OR_RETURN(
      const auto rule,
      (tx.QueryOne<int64_t, std::string>(
          "SELECT keep_last, user_name FROM model_retention WHERE name = :name", name)));
  if (!rule.has_value() || std::get<0>(*rule) <= 0) return 0;
  const auto& [keep_last, user] = *rule;
  ASSIGN_OR_RETURN(const auto oldest,
                   tx.QueryOne<int64_t>("SELECT version FROM models WHERE name = :name"
                                        " ORDER BY version DESC LIMIT 1 OFFSET :skipped",
                                        name, keep_last - 1));
  if (!oldest.has_value()) return 0;
  ASSIGN_OR_RETURN(
      const auto versions,
      tx.Query<int64_t>(
          "SELECT version FROM models m WHERE name = :name AND version < :oldest"
          " AND (:everybody = 1 OR owner = :owner)"
          " AND NOT EXISTS (SELECT 1 FROM model_aliases a WHERE a.name = m.name"
          " AND a.version = m.version)"
          " AND NOT EXISTS (SELECT 1 FROM blob_refs r WHERE r.sha256 = m.digest AND r.kind = :kind)"
          " ORDER BY version LIMIT :count",
          name, std::get<0>(*oldest), user.empty(), user, std::string(store::kSourceRef), kBatch));
  for (const auto& [version] : versions) RETURN_IF_ERROR(DeleteVersion(tx, name, version));
  return static_cast<int64_t>(versions.size());
}

}  // namespace

absl::StatusOr<v1::SetRetentionResponse> Models::SetRetention(
    const Editor& editor, const v1::SetRetentionRequest& request) {
  RETURN_IF_ERROR(base::CheckName("name", request.name()));
  if (request.keep_last() < 0 || request.keep_last() > kMostKept) {
    return base::InvalidArgument("keep_last", absl::StrCat(request.keep_last()),
                                 absl::StrCat("0 (all) to ", kMostKept));
  }
  return Once<v1::SetRetentionResponse>(
      *store_, *clock_, editor.user, request,
      [&](store::Tx& tx) -> absl::StatusOr<v1::SetRetentionResponse> {
        ASSIGN_OR_RETURN(const v1::Model newest, FindVersion(tx, request.name()));
        if (!editor.MayEdit(newest.owner())) {
          return absl::PermissionDeniedError(absl::StrCat(
              "model ", VersionRef(newest.name(), newest.version()), " belongs to another user"));
        }
        RETURN_IF_ERROR(tx.Execute(
            "INSERT INTO model_retention (name, keep_last, user_name)"
            " VALUES (:name, :keep_last, :user)"
            " ON CONFLICT (name) DO UPDATE SET keep_last = excluded.keep_last,"
            " user_name = excluded.user_name",
            request.name(), request.keep_last(), editor.admin ? std::string() : editor.user));
        return v1::SetRetentionResponse();
      });
}

absl::StatusOr<int64_t> Models::RemoveUnretained() {
  std::vector<std::tuple<std::string>> names;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(names, tx.Query<std::string>("SELECT name FROM model_retention"
                                                  " WHERE keep_last > 0 ORDER BY name"));
    return absl::OkStatus();
  }));
  int64_t removed = 0;
  for (const auto& [name] : names) {
    int64_t gone = 0;
    int64_t batch = 0;
    do {
      RETURN_IF_ERROR(store_->Write([&](store::Tx& tx) -> absl::Status {
        ASSIGN_OR_RETURN(batch, RemoveSome(tx, name));
        return absl::OkStatus();
      }));
      gone += batch;
    } while (batch == kBatch);
    if (gone > 0) base::LogInfo("old versions removed", {{"model", name}, {"versions", gone}});
    removed += gone;
  }
  return removed;
}

}  // namespace gradus::registry
