// SPDX-License-Identifier: Apache-2.0
// gradus model ls.
#include "absl/strings/str_cat.h"
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string name;
  int limit = 100;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Option("--name", "NAME", options.name, "Only versions of this model");
  arguments.Option("--limit", "N", options.limit, 1, 1'000'000, "At most so many [100]");
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const std::vector<v1::Model> models,
                   client.ListModels(options.limit, options.name));
  const Output& out = session.out();
  if (out.quiet()) {
    for (const v1::Model& model : models)
      out.Text(absl::StrCat(model.name(), "@", model.version(), "\n"));
    return absl::OkStatus();
  }
  v1::ListModelsResponse all;
  all.mutable_models()->Assign(models.begin(), models.end());
  return out.List(all, ModelRow(), "name",
                  "There are no models. A job with `publish: {model: NAME}` makes one.");
}

}  // namespace

const Command kModelLs = {"model", "ls", "List published models",
                          "  gradus model ls\n"
                          "  gradus model ls --name fashion-a\n",
                          &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
