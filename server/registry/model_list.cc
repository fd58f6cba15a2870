// SPDX-License-Identifier: Apache-2.0
// Lists of models: filters and pages.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/registry/model_ref.h"
#include "server/registry/models.h"
#include "server/registry/page.h"

namespace gradus::registry {
namespace {

constexpr size_t kMostTags = 8;

// Filters as the statement takes them; what is empty fits all.
struct Filter {
  std::string name;
  std::string pattern;
  std::string alias;
  std::string owner;
  std::array<std::string, kMostTags> tags;  // each once, then ""
  int64_t tag_count = 0;
};

absl::StatusOr<Filter> ReadFilter(const v1::ListModelsRequest& request) {
  Filter filter;
  if (!request.name().empty()) RETURN_IF_ERROR(base::CheckName("name", request.name()));
  filter.name = request.name();
  if (request.query().size() > base::kMaxName) {
    return base::InvalidArgument("query", absl::StrCat(request.query().size(), " bytes"),
                                 absl::StrCat("at most ", base::kMaxName, " bytes"));
  }
  filter.pattern = absl::StrCat("%",
                                absl::StrReplaceAll(absl::AsciiStrToLower(request.query()),
                                                    {{"!", "!!"}, {"%", "!%"}, {"_", "!_"}}),
                                "%");
  if (!request.alias().empty()) RETURN_IF_ERROR(CheckAlias(request.alias()));
  filter.alias = request.alias();
  filter.owner = request.owner();
  for (int i = 0; i < request.tags_size(); ++i) {
    RETURN_IF_ERROR(base::CheckName(absl::StrCat("tags[", i, "]"), request.tags(i)));
    auto* const end = filter.tags.begin() + filter.tag_count;
    if (std::find(filter.tags.begin(), end, request.tags(i)) != end) continue;
    if (end == filter.tags.end()) {
      return base::InvalidArgument("tags", absl::StrCat(request.tags_size(), " tags"),
                                   absl::StrCat("at most ", kMostTags));
    }
    *end = request.tags(i);
    ++filter.tag_count;
  }
  return filter;
}

// Where a page goes on: behind this version of this name.
absl::StatusOr<ModelRef> ParsePageToken(const std::string& token) {
  if (token.empty()) return ModelRef{};
  const absl::StatusOr<ModelRef> ref = ParseModelRef(token);
  if (!ref.ok() || ref->version == 0) return BadPageToken(token);
  return ref;
}

// Name and version, in the list's order.
absl::StatusOr<std::vector<std::tuple<std::string, int64_t>>> Keys(store::ReadTx& tx,
                                                                   const Filter& filter,
                                                                   const ModelRef& after,
                                                                   int count) {
  const auto& tags = filter.tags;
  return tx.Query<std::string, int64_t>(
      "SELECT name, version FROM models m"
      " WHERE (name > :after OR (name = :same AND version < :version))"
      " AND (:every_name = 1 OR name = :name)"
      " AND LOWER(name) LIKE :pattern ESCAPE '!'"
      " AND (:every_owner = 1 OR owner = :owner)"
      " AND (:every_alias = 1 OR EXISTS (SELECT 1 FROM model_aliases a WHERE a.name = m.name"
      " AND a.version = m.version AND a.alias = :alias))"
      " AND (:every_tag = 1 OR :tag_count = (SELECT COUNT(*) FROM model_tags t"
      " WHERE t.name = m.name AND t.version = m.version"
      " AND t.tag IN (:t0, :t1, :t2, :t3, :t4, :t5, :t6, :t7)))"
      " ORDER BY name, version DESC LIMIT :count",
      after.name, after.name, after.version, filter.name.empty(), filter.name, filter.pattern,
      filter.owner.empty(), filter.owner, filter.alias.empty(), filter.alias, filter.tag_count == 0,
      filter.tag_count, tags[0], tags[1], tags[2], tags[3], tags[4], tags[5], tags[6], tags[7],
      count);
}

}  // namespace

absl::StatusOr<v1::ListModelsResponse> Models::List(const v1::ListModelsRequest& request) const {
  ASSIGN_OR_RETURN(const int page_size, CheckPageSize(request.page_size()));
  ASSIGN_OR_RETURN(const ModelRef after, ParsePageToken(request.page_token()));
  ASSIGN_OR_RETURN(const Filter filter, ReadFilter(request));
  v1::ListModelsResponse response;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    // Keys first: a thousand definitions would not be a page's memory but hundreds of MiB.
    ASSIGN_OR_RETURN(const auto keys, Keys(tx, filter, after, page_size + 1));
    PageBudget budget(page_size);
    for (const auto& [name, version] : keys) {
      ASSIGN_OR_RETURN(v1::Model model, FindVersion(tx, VersionRef(name, version)));
      RETURN_IF_ERROR(FillLabels(tx, model));
      TrimForList(model);
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

absl::StatusOr<std::vector<int64_t>> Models::Versions(const std::string& name) const {
  std::vector<int64_t> versions;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto rows,
                     tx.Query<int64_t>("SELECT version FROM models WHERE name = :name"
                                       " ORDER BY version DESC LIMIT 1000",
                                       name));
    for (const auto& [version] : rows) versions.push_back(version);
    return absl::OkStatus();
  }));
  return versions;
}

}  // namespace gradus::registry
