// SPDX-License-Identifier: Apache-2.0
// What is said about versions: aliases, tags, cards.
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "proto/support/utf8.h"
#include "server/registry/model_ref.h"
#include "server/registry/models.h"
#include "server/registry/once.h"

namespace gradus::registry {
namespace {

constexpr int kMostTags = 64;
constexpr size_t kMostCardBytes = 64 << 10;
constexpr size_t kMostLicenceBytes = 128;

absl::Status CheckTags(const char* field,
                       const google::protobuf::RepeatedPtrField<std::string>& tags) {
  if (tags.size() > kMostTags) {
    return base::InvalidArgument(field, absl::StrCat(tags.size(), " tags"),
                                 absl::StrCat("at most ", kMostTags));
  }
  for (int i = 0; i < tags.size(); ++i)
    RETURN_IF_ERROR(base::CheckName(absl::StrCat(field, "[", i, "]"), tags[i]));
  return absl::OkStatus();
}

absl::Status CheckText(const char* field, const std::string& text, size_t most) {
  if (text.size() > most) {
    return base::InvalidArgument(field, absl::StrCat(text.size(), " bytes"),
                                 absl::StrCat("at most ", most, " bytes"));
  }
  if (const auto bad = support::FirstInvalidUtf8(text); bad.has_value())
    return base::InvalidArgument(field, absl::StrCat("byte ", *bad), "UTF-8");
  // The store's texts end at a zero byte.
  if (text.find('\0') != std::string::npos)
    return base::InvalidArgument(field, "a zero byte", "text");
  return absl::OkStatus();
}

absl::Status CheckLicence(const std::string& licence) {
  RETURN_IF_ERROR(CheckText("licence", licence, kMostLicenceBytes));
  for (const char c : licence) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c)))
      return base::InvalidArgument("licence", "a control character", "one line of text");
  }
  return absl::OkStatus();
}

absl::Status ChangeTags(store::Tx& tx, const v1::UpdateModelRequest& request,
                        const v1::Model& model) {
  for (const std::string& tag : request.remove_tags()) {
    RETURN_IF_ERROR(tx.Execute(
        "DELETE FROM model_tags WHERE name = :name AND version = :version AND tag = :tag",
        model.name(), model.version(), tag));
  }
  for (const std::string& tag : request.add_tags()) {
    RETURN_IF_ERROR(
        tx.Execute("INSERT INTO model_tags (name, version, tag) VALUES (:name, :version, :tag)"
                   " ON CONFLICT (name, version, tag) DO NOTHING",
                   model.name(), model.version(), tag));
  }
  return absl::OkStatus();
}

absl::Status ChangeTexts(store::Tx& tx, const v1::UpdateModelRequest& request,
                         const v1::Model& model) {
  if (!request.has_card() && !request.has_licence()) return absl::OkStatus();
  return tx.Execute(
      "INSERT INTO model_cards (name, version, card, licence)"
      " VALUES (:name, :version, :card, :licence)"
      " ON CONFLICT (name, version) DO UPDATE SET card = excluded.card, licence = excluded.licence",
      model.name(), model.version(), request.has_card() ? request.card() : model.card(),
      request.has_licence() ? request.licence() : model.licence());
}

// The version that an alias means; 0 where it means none.
absl::StatusOr<int64_t> MeantBy(store::ReadTx& tx, const std::string& name,
                                const std::string& alias) {
  ASSIGN_OR_RETURN(
      const auto row,
      tx.QueryOne<int64_t>(
          "SELECT version FROM model_aliases WHERE name = :name AND alias = :alias", name, alias));
  return row.has_value() ? std::get<0>(*row) : 0;
}

}  // namespace

absl::StatusOr<v1::SetAliasResponse> Models::SetAlias(const Editor& editor,
                                                      const v1::SetAliasRequest& request) {
  RETURN_IF_ERROR(CheckAlias(request.alias()));
  return Once<v1::SetAliasResponse>(
      *store_, *clock_, editor.user, request,
      [&](store::Tx& tx) -> absl::StatusOr<v1::SetAliasResponse> {
        ASSIGN_OR_RETURN(const v1::Model model, FindToEdit(tx, request.ref(), editor));
        ASSIGN_OR_RETURN(const int64_t before, MeantBy(tx, model.name(), request.alias()));
        if (before != 0)
          RETURN_IF_ERROR(FindToEdit(tx, VersionRef(model.name(), before), editor).status());
        RETURN_IF_ERROR(
            tx.Execute("INSERT INTO model_aliases (name, alias, version)"
                       " VALUES (:name, :alias, :version)"
                       " ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version",
                       model.name(), request.alias(), model.version()));
        v1::SetAliasResponse response;
        response.set_ref(VersionRef(model.name(), model.version()));
        return response;
      });
}

absl::StatusOr<v1::RemoveAliasResponse> Models::RemoveAlias(const Editor& editor,
                                                            const v1::RemoveAliasRequest& request) {
  ASSIGN_OR_RETURN(const ModelRef ref, ParseModelRef(request.ref()));
  if (ref.alias.empty()) {
    return base::InvalidArgument("ref", absl::StrCat("\"", base::Shown(request.ref()), "\""),
                                 "an alias: name@ALIAS");
  }
  return Once<v1::RemoveAliasResponse>(
      *store_, *clock_, editor.user, request,
      [&](store::Tx& tx) -> absl::StatusOr<v1::RemoveAliasResponse> {
        RETURN_IF_ERROR(FindToEdit(tx, request.ref(), editor).status());
        RETURN_IF_ERROR(
            tx.Execute("DELETE FROM model_aliases WHERE name = :name AND alias = :alias", ref.name,
                       ref.alias));
        return v1::RemoveAliasResponse();
      });
}

absl::StatusOr<v1::UpdateModelResponse> Models::Update(const Editor& editor,
                                                       const v1::UpdateModelRequest& request) {
  RETURN_IF_ERROR(CheckTags("add_tags", request.add_tags()));
  RETURN_IF_ERROR(CheckTags("remove_tags", request.remove_tags()));
  RETURN_IF_ERROR(CheckText("card", request.card(), kMostCardBytes));
  RETURN_IF_ERROR(CheckLicence(request.licence()));
  return Once<v1::UpdateModelResponse>(
      *store_, *clock_, editor.user, request,
      [&](store::Tx& tx) -> absl::StatusOr<v1::UpdateModelResponse> {
        ASSIGN_OR_RETURN(v1::Model model, FindToEdit(tx, request.ref(), editor));
        RETURN_IF_ERROR(FillLabels(tx, model));
        RETURN_IF_ERROR(ChangeTags(tx, request, model));
        RETURN_IF_ERROR(ChangeTexts(tx, request, model));
        model.clear_aliases();
        model.clear_tags();
        RETURN_IF_ERROR(FillLabels(tx, model));
        if (model.tags_size() > kMostTags) {
          return base::InvalidArgument(
              "add_tags",
              absl::StrCat("with these the version has ", model.tags_size(), " tags, which"),
              absl::StrCat("at most ", kMostTags));
        }
        v1::UpdateModelResponse response;
        response.set_ref(VersionRef(model.name(), model.version()));
        *response.mutable_tags() = model.tags();
        response.set_licence(model.licence());
        return response;
      });
}

}  // namespace gradus::registry
