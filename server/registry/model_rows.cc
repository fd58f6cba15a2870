// SPDX-License-Identifier: Apache-2.0
#include "server/registry/model_rows.h"

#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/registry/model_ref.h"
#include "server/store/blobs.h"
#include "server/store/codec.h"

namespace gradus::registry {
namespace {

absl::Status NoSuchModel(const std::string& text) {
  return absl::NotFoundError(absl::StrCat("there is no model \"", base::Shown(text), "\""));
}

// An alias turned into the version that it means.
absl::StatusOr<ModelRef> Resolve(store::ReadTx& tx, const std::string& text) {
  ASSIGN_OR_RETURN(ModelRef ref, ParseModelRef(text));
  if (ref.alias.empty()) return ref;
  ASSIGN_OR_RETURN(const auto row,
                   tx.QueryOne<int64_t>(
                       "SELECT version FROM model_aliases WHERE name = :name AND alias = :alias",
                       ref.name, ref.alias));
  if (!row.has_value()) return NoSuchModel(text);
  ref.version = std::get<0>(*row);
  return ref;
}

// `column` of the versions that a reference means, newest first, at most two.
template <typename Value>
absl::StatusOr<std::vector<std::tuple<Value>>> Select(store::ReadTx& tx, absl::string_view column,
                                                      const std::string& text) {
  ASSIGN_OR_RETURN(const ModelRef ref, Resolve(tx, text));
  const std::string which = ref.version != 0      ? " AND version = :version"
                            : !ref.digest.empty() ? " AND digest = :digest"
                                                  : "";
  const std::string sql = absl::StrCat("SELECT ", column, " FROM models WHERE name = :name", which,
                                       " ORDER BY version DESC LIMIT 2");
  absl::StatusOr<std::vector<std::tuple<Value>>> rows;
  if (ref.newest()) {
    rows = tx.Query<Value>(sql, ref.name);
  } else if (ref.version != 0) {
    rows = tx.Query<Value>(sql, ref.name, ref.version);
  } else {
    rows = tx.Query<Value>(sql, ref.name, ref.digest);
  }
  if (rows.ok() && rows->empty()) return NoSuchModel(text);
  return rows;
}

absl::StatusOr<std::vector<v1::Model>> Find(store::ReadTx& tx, const std::string& text) {
  ASSIGN_OR_RETURN(const auto rows, Select<std::string>(tx, "record", text));
  std::vector<v1::Model> models;
  for (const auto& [record] : rows) {
    ASSIGN_OR_RETURN(v1::Model model, store::Decode<v1::Model>(record));
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace

absl::StatusOr<v1::Model> FindVersion(store::ReadTx& tx, const std::string& ref) {
  ASSIGN_OR_RETURN(std::vector<v1::Model> models, Find(tx, ref));
  return std::move(models.front());
}

absl::StatusOr<std::string> PinVersion(store::ReadTx& tx, const std::string& ref) {
  ASSIGN_OR_RETURN(const ModelRef parsed, ParseModelRef(ref));
  ASSIGN_OR_RETURN(const auto rows, Select<int64_t>(tx, "version", ref));
  return VersionRef(parsed.name, std::get<0>(rows.front()));
}

absl::StatusOr<v1::Model> FindOneVersion(store::ReadTx& tx, const std::string& ref) {
  ASSIGN_OR_RETURN(const ModelRef parsed, ParseModelRef(ref));
  if (parsed.newest())
    return base::InvalidArgument("ref", absl::StrCat("\"", ref, "\""),
                                 "one version: name@VERSION, name@ALIAS or name@sha256:DIGEST");
  ASSIGN_OR_RETURN(std::vector<v1::Model> models, Find(tx, ref));
  if (models.size() > 1) {
    return base::InvalidArgument(
        "ref", absl::StrCat("\"", ref, "\""),
        absl::StrCat("one version: there are ", VersionRef(parsed.name, models[0].version()), ", ",
                     VersionRef(parsed.name, models[1].version()), " and maybe more"));
  }
  return std::move(models.front());
}

absl::StatusOr<v1::Model> FindToEdit(store::ReadTx& tx, const std::string& ref,
                                     const Editor& editor) {
  ASSIGN_OR_RETURN(v1::Model model, FindOneVersion(tx, ref));
  if (editor.MayEdit(model.owner())) return model;
  return absl::PermissionDeniedError(absl::StrCat(
      "model ", VersionRef(model.name(), model.version()), " belongs to another user"));
}

absl::Status FillLabels(store::ReadTx& tx, v1::Model& model) {
  ASSIGN_OR_RETURN(const auto aliases,
                   tx.Query<std::string>("SELECT alias FROM model_aliases WHERE name = :name AND"
                                         " version = :version ORDER BY alias",
                                         model.name(), model.version()));
  for (const auto& [alias] : aliases) model.add_aliases(alias);
  ASSIGN_OR_RETURN(const auto tags,
                   tx.Query<std::string>("SELECT tag FROM model_tags WHERE name = :name AND version"
                                         " = :version ORDER BY tag",
                                         model.name(), model.version()));
  for (const auto& [tag] : tags) model.add_tags(tag);
  ASSIGN_OR_RETURN(auto texts,
                   (tx.QueryOne<std::string, std::string>(
                       "SELECT card, licence FROM model_cards WHERE name = :name AND version ="
                       " :version",
                       model.name(), model.version())));
  if (!texts.has_value()) return absl::OkStatus();
  model.set_card(std::move(std::get<0>(*texts)));
  model.set_licence(std::move(std::get<1>(*texts)));
  return absl::OkStatus();
}

void TrimForList(v1::Model& model) {
  model.clear_spec();
  model.clear_weights();
  model.clear_card();
  model.clear_recipe();
}

absl::Status DeleteVersion(store::Tx& tx, const std::string& name, int64_t version) {
  RETURN_IF_ERROR(store::BlobStore::DropRefs(tx, kModelRef, VersionRef(name, version)));
  for (const char* table : {"model_tags", "model_cards", "models"}) {
    RETURN_IF_ERROR(tx.Execute(
        absl::StrCat("DELETE FROM ", table, " WHERE name = :name AND version = :version"), name,
        version));
  }
  return absl::OkStatus();
}

}  // namespace gradus::registry
