// SPDX-License-Identifier: Apache-2.0
// gradus model ls.
#include "absl/strings/str_cat.h"
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string name;
  std::string named;
  std::string search;
  std::vector<std::string> tags;
  std::string alias;
  std::string owner;
  int limit = 100;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Optional("NAME", options.name, "Only versions of this model");
  arguments.Option("--name", "NAME", options.named, "The same");
  arguments.Option("--search", "TEXT", options.search, "Only models with this text in their name");
  arguments.Option("--tag", "TAG", options.tags,
                   "Only versions with this tag; may be repeated, for those that have all");
  arguments.Option("--alias", "ALIAS", options.alias, "Only versions that this alias means");
  arguments.Option("--owner", "USER", options.owner, "Only versions that this user published");
  arguments.Option("--limit", "N", options.limit, 1, 1'000'000, "At most so many [100]");
}

absl::StatusOr<v1::ListModelsRequest> FiltersOf(const Options& options) {
  if (!options.name.empty() && !options.named.empty())
    return support::UsageError("NAME and --name are the same: give one of them");
  v1::ListModelsRequest filters;
  filters.set_name(options.name.empty() ? options.named : options.name);
  filters.set_query(options.search);
  for (const std::string& tag : options.tags) filters.add_tags(tag);
  filters.set_alias(options.alias);
  filters.set_owner(options.owner);
  return filters;
}

// Whether it would list all that there is.
bool AsksForAll(const v1::ListModelsRequest& filters) { return filters.ByteSizeLong() == 0; }

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const v1::ListModelsRequest filters, FiltersOf(options));
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const std::vector<v1::Model> models, client.ListModels(options.limit, filters));
  const Output& out = session.out();
  if (out.quiet()) {
    for (const v1::Model& model : models)
      out.Text(absl::StrCat(model.name(), "@", model.version(), "\n"));
    return absl::OkStatus();
  }
  v1::ListModelsResponse all;
  all.mutable_models()->Assign(models.begin(), models.end());
  return out.List(all, ModelRow(), "name",
                  AsksForAll(filters)
                      ? "There are no models. A job with `publish: {model: NAME}` makes one."
                      : "There are no such models.");
}

}  // namespace

const Command kModelLs = {"model", "ls", "List published models",
                          "  gradus model ls\n"
                          "  gradus model ls fashion-a\n"
                          "  gradus model ls --search fashion --tag baseline --tag small\n",
                          &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
